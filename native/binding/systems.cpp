#include "binding/systems.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace descend::binding {
namespace {

using tsqr::Number;
using tsqr::Table;

constexpr long most_columns = 1L << 15;

// Rows (n, columns), or (n,) for one column; any distances between the values, nothing is copied.
Table checked_table(const Array& array, const char* name, double scale) {
  if (array.ndim() != 1 && array.ndim() != 2) refuse(std::string(name) + " must have one or two dimensions");
  const bool bytes = holds<std::uint8_t>(array), single = holds<float>(array);
  if (!bytes && !single && !holds<double>(array))
    refuse(std::string(name) + " must be float64, float32 or uint8");
  if (reinterpret_cast<std::uintptr_t>(array.data()) % array.itemsize() != 0)
    refuse(std::string(name) + " is not aligned");
  const long columns = array.ndim() == 1 ? 1 : static_cast<long>(array.shape(1));
  if (columns < 1 || columns > most_columns) refuse(std::string(name) + " must have from 1 to 2**15 columns");
  return {array.data(),
          bytes    ? Number::uint8
          : single ? Number::float32
                   : Number::float64,
          bytes ? scale : 1.0,
          columns,
          static_cast<long>(array.stride(0)),
          array.ndim() == 1 ? 1 : static_cast<long>(array.stride(1))};
}

double weight_at(const Table& weight, long row) {
  const long at = row * weight.row_step;
  return weight.number == Number::float64 ? static_cast<const double*>(weight.data)[at]
                                          : static_cast<double>(static_cast<const float*>(weight.data)[at]);
}

double largest_weight(const Table& weight, long rows) {
  if (weight.number == Number::uint8) refuse("weight must be float64 or float32");
  double greatest = 0;
  for (long row = 0; row < rows; ++row) {
    const double value = weight_at(weight, row);
    if (!(std::isfinite(value) && value >= 0))
      refuse("weight[" + std::to_string(row) + "] is not a finite number of at least 0");
    greatest = std::max(greatest, value);
  }
  if (greatest == 0) refuse("every weight is zero");
  return greatest;
}

}  // namespace

CheckedSystem::CheckedSystem(const Array& x, const Array& y, const std::optional<Array>& weight, double scale,
                             bool intercept, int threads) {
  if (threads < 1 || threads > 1024) refuse("threads must be from 1 to 1024");
  if (!std::isfinite(scale * 255)) refuse("scale must be finite");
  system = {checked_table(x, "X", scale), checked_table(y, "y", 1), {}, 1, intercept};
  rows = static_cast<long>(x.shape(0));
  if (rows < 1) refuse("X has no rows");
  if (static_cast<long>(y.shape(0)) != rows)
    refuse("X has " + std::to_string(rows) + " rows, y has " + std::to_string(y.shape(0)));
  if (weight) {
    check_shape(*weight, "weight", {rows});
    system.weight = checked_table(*weight, "weight", 1);
    greatest_weight = largest_weight(system.weight, rows);
  }
}

}  // namespace descend::binding
