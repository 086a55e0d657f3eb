// What least squares leaves of its normal equations, to twice the precision of double.
#pragma once

#include <functional>
#include <vector>

#include "dispatch/dispatch.hpp"

namespace descend::tsqr {

// Per target: Aᵀ·W·(b − A·c), a head and a tail for each column of A = [1, x · scale], the 1 only with an
// intercept; then Σ w·(b − A·c)², b = y · scale. Scales are powers of two, per column of x, then of y;
// coefficients: a head and a tail for each target and column of A.
// Rows are summed in chunks and a fixed tree: one result for every number of threads, and for every
// instruction set with fused multiply-add. `poll` is called on this thread every few milliseconds; what it
// throws ends it.
std::vector<double> normal_residual(const System& system, long rows, const double* scale,
                                    const double* coefficients, const KernelTable& table, int threads,
                                    const std::function<void()>& poll);

}  // namespace descend::tsqr
