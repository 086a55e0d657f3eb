// The triangular factor of a tall least-squares problem, in one pass for moments and one for reflections.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "dispatch/dispatch.hpp"

namespace descend::tsqr {

// A value of x or y that is infinite or not a number.
struct NotFinite : std::invalid_argument {
  NotFinite(const char* table, long row, long column, double value);
};

// What is left of the rows √weight · [1, (x − shift) / scale], y likewise: see Triangle.
struct Factored {
  long factored, carried;
  std::vector<double> columns, rest;
  std::vector<double> shift, scale;  // per column of x, then of y; scales are powers of two
};

// Rows are taken in chunks, reduced one by one and merged in a fixed tree, so the result depends on the
// numbers and on no number of threads. With an intercept columns are shifted by their weighted means.
// Weights are finite, at least 0, and not all 0; `greatest` is the largest of them.
// `poll` is called on this thread every few milliseconds; what it throws ends the work.
// Throws NotFinite; std::bad_alloc.
Factored factorize(System system, long rows, double greatest, const KernelTable& table, int threads,
                   const std::function<void()>& poll);

}  // namespace descend::tsqr
