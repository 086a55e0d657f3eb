// Orders, lists of batches, rates and decays as Python hands them over, and their checks.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "binding/arrays.hpp"
#include "program/batches.hpp"

namespace descend::binding {

// seed, rows, batch size, last batch, shuffle, replacement, subset of the table
using OrderTuple = std::tuple<std::uint64_t, long, long, int, bool, bool, std::optional<Array>>;
// first step, order, rate, decay, largest norm of a gradient
using PlanTuple = std::tuple<long, OrderTuple, Array, Array, double>;

struct Rates {
  std::vector<double> rate, decay;
};

// All raise ValueError in Python. bound: rows of the table; parameters: of the network.
long length(const Array& array, const char* name);
std::vector<std::uint32_t> checked_rows(const Array& rows, long first, long last, long bound);
Listed checked_listed(long steps, const Array& rows, const Array& offsets, long bound);
Order checked_order(const OrderTuple& given, long bound);
double checked_clip(double clip);
Rates checked_rates(long first_step, const Array& rate, const Array& decay, long parameters);

}  // namespace descend::binding
