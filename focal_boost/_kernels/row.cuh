/* One row of the focal loss in CUDA C++: the twin of cpu.py and elementary.py.

   Plain C++ arithmetic, so that every C++ compiler can check it: FOCAL_INLINE is how
   a function is declared there. A line's comment "= name" is the function, or the
   variable, of the twin that it computes.

   Margins, labels, weights, gradient and Hessian are float. A number is a double where
   a float would lose digits that the result shows: the reduced argument of exp, the
   reciprocal, and sums and products of p, q and l. The polynomials are small
   corrections to such numbers, and floats. */

#if defined(__CUDACC__)
#define FOCAL_INLINE __device__ __forceinline__
#else
#include <cmath>
#include <cstdint>
#include <cstring>
#define FOCAL_INLINE static inline
#endif

/* = LIMIT, _LOG2_E, _LN2 */
#define FOCAL_LIMIT 708.0f
#define FOCAL_LOG2_E 1.4426950408889634f
#define FOCAL_LN2 0.6931471805599453

struct FocalLoss {
    double negative;      /* alpha_t of the negative class */
    double positive;      /* alpha_t of the positive class */
    double gamma;
    double negative_term; /* 0: upper curvature, 1: exact Hessian */
    double floor;         /* least Hessian of a row of weight 1; minus infinity: none */
};

struct FocalRow {
    float grad;
    float hess;
    int sound; /* 0 for a label, margin or weight that breaks its rule */
};

/* = two_to_n */
FOCAL_INLINE double focal_two_to(int n)
{
#if defined(__CUDACC__)
    return __hiloint2double((n + 1023) << 20, 0);
#else
    const std::uint64_t bits = static_cast<std::uint64_t>(n + 1023) << 52;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
#endif
}

/* = exp: for -708 <= x <= 0; near is x to a float's digits */
FOCAL_INLINE double focal_exp(double x, float near)
{
    const float n = rintf(near * FOCAL_LOG2_E);
    const double r = x - static_cast<double>(n) * FOCAL_LN2;
    const float f = static_cast<float>(r);
    float s = 0.0013933641f + f * 0.00019890981f;          /* = _polynomial */
    s = 0.041666465f + f * (0.008333311f + f * s);
    s = 0.5f + f * (0.16666667f + f * s);
    const double correction = static_cast<double>(f * f * s);
    return focal_two_to(static_cast<int>(n)) * (1.0 + (r + correction));
}

/* = reciprocal: of d = (1 + e)(2 + e), 2 <= d <= 6 */
FOCAL_INLINE double focal_reciprocal(double d)
{
    const double s = static_cast<double>(1.0f / static_cast<float>(d));
    return s + s * (1.0 - d * s);
}

/* = log1p: of e, for u = e/(2 + e); Real is the type of the correction to 2u */
template <typename Real>
FOCAL_INLINE double focal_log1p(double u)
{
    const Real f = static_cast<Real>(u);
    const Real v = f * f;                                  /* = _polynomial */
    Real s = Real(0.17464702465440774) + v * Real(0.20787616855746752);
    s = Real(0.2857030572188366) + v * (Real(0.22264711209001326) + v * s);
    s = Real(0.6666666665002361) + v * (Real(0.4000001076994966) + v * s);
    return 2.0 * u + static_cast<double>(f * (v * s));
}

/* q^gamma multiplies the error of its exponent by gamma. */
template <int power> struct FocalCorrection { typedef float Real; };
template <> struct FocalCorrection<-1> { typedef double Real; };

/* power is gamma where it is 0, 1 or 2 and q^gamma a product, and -1 elsewhere */
template <int power>
FOCAL_INLINE FocalRow focal_row(float margin, float y_true, float sample_weight,
                                const FocalLoss loss)
{
    const bool is_positive = y_true == 1.0f;               /* = is_positive */
    const bool right = (margin >= 0.0f) == is_positive;    /* = right */
    const float a = fminf(fabsf(margin), FOCAL_LIMIT);
    const double size = static_cast<double>(a);            /* = size */
    const double e = focal_exp(-size, -a);                 /* = fill_exp */
    const double inverse = focal_reciprocal(2.0 + e * (3.0 + e)); /* = fill_log1p */
    const double larger = (2.0 + e) * inverse;
    const double smaller = e * larger;
    const double log1p_e = focal_log1p<typename FocalCorrection<power>::Real>((e + e * e) * inverse);

    const double p = right ? larger : smaller;             /* = _slope_and_curvature */
    const double q = right ? smaller : larger;
    const double ell = right ? log1p_e : log1p_e + size;
    double q_power;
    if (power == 0) {
        q_power = 1.0;
    } else if (power == 1) {
        q_power = q;
    } else if (power == 2) {
        q_power = q * q;
    } else {                                               /* = fill_power */
        double x = -loss.gamma * (right ? log1p_e + size : log1p_e);
        x = x > -FOCAL_LIMIT ? x : -FOCAL_LIMIT;
        q_power = focal_exp(x, static_cast<float>(x));
    }
    const double p_ell = p * ell;
    const double slope = q + loss.gamma * p_ell;
    const double bracket = q * (1.0 + 2.0 * loss.gamma - loss.negative_term * loss.gamma * ell)
                           + loss.gamma * loss.gamma * p_ell;

    const double weight = static_cast<double>(sample_weight); /* = finish */
    const double of_class = (is_positive ? loss.positive : loss.negative) * q_power;
    double hessian = of_class * (p * bracket);
    hessian = loss.floor > hessian ? loss.floor : hessian;

    FocalRow row;
    row.grad = static_cast<float>((is_positive ? -weight : weight) * (of_class * slope));
    row.hess = static_cast<float>(weight * hessian);
    row.sound = (y_true == 0.0f || is_positive)            /* = find_faults */
                && margin - margin == 0.0f
                && sample_weight >= 0.0f && sample_weight <= 1.7e37f;
    return row;
}

#if defined(__CUDACC__)
/* = gradient_hessian: with FOCAL_POWER as for focal_row */
extern "C" __global__ void focal_gradient_hessian(
    long long rows, const float* __restrict__ margin, const float* __restrict__ y_true,
    const float* __restrict__ sample_weight, double negative, double positive,
    double gamma, double negative_term, double floor, float* __restrict__ grad,
    float* __restrict__ hess, int* faults)
{
    const FocalLoss loss = {negative, positive, gamma, negative_term, floor};
    const long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < rows; i += step) {
        const float weight = sample_weight ? sample_weight[i] : 1.0f;
        const FocalRow row = focal_row<FOCAL_POWER>(margin[i], y_true[i], weight, loss);
        grad[i] = row.grad;
        hess[i] = row.hess;
        if (!row.sound) {
            atomicOr(faults, 1);
        }
    }
}
#endif
