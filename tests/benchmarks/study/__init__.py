"""The evidence: studies on data sets, each a command of its own."""
