/* One row of the focal loss in CUDA C++: the twin of cpu.py, cpu_logit.py and
   elementary.py.

   Plain C++ arithmetic, so that every C++ compiler can check it: FOCAL_INLINE is how
   a function is declared there. A line's comment "= name" is the function, or the
   variable, of the twin that it computes.

   Weights, gradient and Hessian are float. A number is a double where a float would
   lose digits that the result shows: the reduced argument of exp, the reciprocal, sums
   and products of p, q and l, and all of the fitted polynomials, whose coefficients of
   up to 20,000 nearly cancel. The series of exp and log1p are small corrections to such
   numbers, and floats, unless one of those polynomials comes after them. */

#if defined(__CUDACC__)
#define FOCAL_INLINE __device__ __forceinline__
#else
#include <cmath>
#include <cstdint>
#include <cstring>
#define FOCAL_INLINE static inline
#endif

/* = LIMIT, _LOG2_E, LN2, LEAST_POLE */
#define FOCAL_LIMIT 708.0
#define FOCAL_LOG2_E 1.4426950408889634f
#define FOCAL_LN2 0.6931471805599453
#define FOCAL_LEAST_POLE 0.25

/* = Known: its shift is in the offset already */
struct FocalKnown {
    double negative;   /* what a row of the negative class is multiplied by */
    double positive;   /* and of the positive class */
    double gamma;
    double exact;      /* 0: upper curvature, 1: exact Hessian */
    double floor;      /* least Hessian of a row of weight 1; minus infinity: none */
    const double* fit; /* the coefficients of fit.py for logit_row */
};

struct FocalRow {
    float grad;
    float hess;
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

/* = SHORT: (exp(f) - 1 - f)/f^2 */
FOCAL_INLINE float focal_exp_series(float f)
{
    float s = 0.0013933641f + f * 0.00019890981f;          /* = _polynomial */
    s = 0.041666465f + f * (0.008333311f + f * s);
    return 0.5f + f * (0.16666667f + f * s);
}

/* = LONG: the same */
FOCAL_INLINE double focal_exp_series(double f)
{
    double s = 2.762007587998348e-07 + f * 2.510037583256132e-08; /* = _polynomial */
    s = 2.4801521322368692e-05 + f * (2.7557268480310024e-06 + f * s);
    s = 0.0013888888917196719 + f * (0.00019841269863040545 + f * s);
    s = 0.041666666666624164 + f * (0.008333333333330065 + f * s);
    return 0.5 + f * (0.16666666666666669 + f * s);
}

/* = exp: for -708 <= x <= 0; Real is the type of the correction */
template <typename Real>
FOCAL_INLINE double focal_exp(double x)
{
    const float n = rintf(static_cast<float>(x) * FOCAL_LOG2_E);
    const double r = x - static_cast<double>(n) * FOCAL_LN2;
    const Real f = static_cast<Real>(r);
    const double correction = static_cast<double>(f * f * focal_exp_series(f));
    return focal_two_to(static_cast<int>(n)) * (1.0 + (r + correction));
}

/* = reciprocal: of 1 <= d < 1e30, to 4e-15 */
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

/* = finish: slope and curvature are those of a positive row of weight 1, alpha_t in */
FOCAL_INLINE FocalRow focal_finish(double slope, double curvature, bool is_positive,
                                   float sample_weight, const FocalKnown& known)
{
    const double weight = static_cast<double>(sample_weight);
    const double hessian = known.floor > curvature ? known.floor : curvature;
    FocalRow row;
    row.grad = static_cast<float>((is_positive ? -weight : weight) * slope);
    row.hess = static_cast<float>(weight * hessian);
    return row;
}

/* A row of the paper's margin z. power is gamma where it is 0, 1 or 2 and q^gamma a
   product, and -1 elsewhere. */
template <int power>
FOCAL_INLINE FocalRow focal_row(double z, bool is_positive, float sample_weight,
                                const FocalKnown& known)
{
    const bool right = (z >= 0.0) == is_positive;          /* = right */
    const double size = fabs(z) < FOCAL_LIMIT ? fabs(z) : FOCAL_LIMIT; /* = size */
    const double e = focal_exp<float>(-size);              /* = fill_exp */
    const double inverse = focal_reciprocal(2.0 + e * (3.0 + e)); /* = fill_log1p */
    const double larger = (2.0 + e) * inverse;
    const double smaller = e * larger;
    const double log1p_e =
        focal_log1p<typename FocalCorrection<power>::Real>((e + e * e) * inverse);

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
        const double x = -known.gamma * (right ? log1p_e + size : log1p_e);
        q_power = focal_exp<float>(x > -FOCAL_LIMIT ? x : -FOCAL_LIMIT);
    }
    const double p_ell = p * ell;
    const double slope = q + known.gamma * p_ell;
    const double bracket = q * (1.0 + 2.0 * known.gamma - known.exact * known.gamma * ell)
                           + known.gamma * known.gamma * p_ell;
    const double of_class = (is_positive ? known.positive : known.negative) * q_power;
    return focal_finish(of_class * slope, of_class * (p * bracket), is_positive,
                        sample_weight, known);
}

/* = _written_out: the sum of s^j u^i c; number, and what follows it, are how many
   powers of u there are for each power of s */
template <int number>
FOCAL_INLINE double focal_in_two(double u, double, const double* c)
{
    double sum = c[number - 1];                            /* = _horner */
    for (int i = number - 2; i >= 0; --i) {
        sum = c[i] + u * sum;
    }
    return sum;
}

template <int number, int next, int... more>
FOCAL_INLINE double focal_in_two(double u, double s, const double* c)
{
    return focal_in_two<number>(u, s, c) + s * focal_in_two<next, more...>(u, s, c + number);
}

/* |gradient| without alpha_t, and the curvature over it */
struct LogitTerms {
    double slope;
    double ratio;
};

/* = _finish_product: for gamma = power, 1 or 2 */
template <int power>
FOCAL_INLINE LogitTerms logit_product(double u, double a, bool right,
                                      const FocalKnown& known)
{
    const double s = a * u;
    const double fall = u * u * (power == 2 ? u : 1.0);    /* = fall */
    LogitTerms terms;
    terms.slope = focal_in_two<10, 6, 3>(u, s, known.fit) * (right ? fall : 1.0);
    terms.ratio = right ? focal_in_two<6, 4>(u, s, known.fit + 19)
                        : u * focal_in_two<6, 4>(u, s, known.fit + 29);
    return terms;
}

/* = _finish, _add_exact: for any gamma */
FOCAL_INLINE LogitTerms logit_general(double u, double a, double size, bool right,
                                      const FocalKnown& known)
{
    const double pole = known.gamma > FOCAL_LEAST_POLE ? known.gamma : FOCAL_LEAST_POLE;
    const double s = focal_reciprocal(1.0 + pole * u * (a + FOCAL_LN2 * u));
    double log_slope = focal_in_two<8, 7, 6, 5, 4, 3, 2, 1>(u, s, known.fit);
    log_slope -= right ? size : 0.0;
    LogitTerms terms;
    terms.slope = focal_exp<float>(log_slope > -FOCAL_LIMIT ? log_slope : -FOCAL_LIMIT);
    if (right) {
        terms.ratio = focal_in_two<6, 5, 4, 3>(u, s, known.fit + 36);
    } else {
        terms.ratio = focal_in_two<6, 5, 4, 3>(u, s, known.fit + 54);
        if (known.exact != 0.0) {                          /* = more */
            terms.ratio += a * focal_in_two<6, 5, 4, 3>(u, s, known.fit + 72);
        }
        terms.ratio *= u;
    }
    return terms;
}

/* A row of log-odds less their shift. power is gamma where it is 1 or 2 and the
   curvature the upper one, and -1 elsewhere. */
template <int power>
FOCAL_INLINE FocalRow logit_row(double odds, bool is_positive, float sample_weight,
                                const FocalKnown& known)
{
    const bool right = (odds >= 0.0) == is_positive;       /* = right */
    const double scaled = fabs(odds) * (1.0 / (1.0 + known.gamma)); /* = _fill */
    const double a = scaled < FOCAL_LIMIT ? scaled : FOCAL_LIMIT;
    const double u = focal_exp<double>(-a);
    const LogitTerms terms = power == -1
                                 ? logit_general(u, a, fabs(odds), right, known)
                                 : logit_product<power>(u, a, right, known);
    const double slope = terms.slope * (is_positive ? known.positive : known.negative);
    return focal_finish(slope, slope * terms.ratio, is_positive, sample_weight, known);
}

#if defined(__CUDACC__)
/* = gradient_hessian: FOCAL_ROW is one of the rows above and FOCAL_POWER its power,
   FOCAL_SCORE the raw scores' type */
extern "C" __global__ void focal_gradient_hessian(
    long long rows, const FOCAL_SCORE* __restrict__ raw_score,
    const unsigned char* __restrict__ y_true, const float* __restrict__ sample_weight,
    double offset, double negative, double positive, double gamma, double exact,
    double floor, const double* __restrict__ fit, float* __restrict__ grad,
    float* __restrict__ hess, int* faults)
{
    const FocalKnown known = {negative, positive, gamma, exact, floor, fit};
    const long long step = static_cast<long long>(gridDim.x) * blockDim.x;
    long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    for (; i < rows; i += step) {
        const FOCAL_SCORE score = raw_score[i];
        const FocalRow row = FOCAL_ROW<FOCAL_POWER>(
            static_cast<double>(score) + offset, y_true[i] == 1,
            sample_weight ? sample_weight[i] : 1.0f, known);
        grad[i] = row.grad;
        hess[i] = row.hess;
        if (score - score != 0) {                          /* = find_faults */
            atomicOr(faults, 1);
        }
    }
}
#endif
