#include "binding/tables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "binding/plans.hpp"

namespace descend::binding {
namespace {

constexpr long most_rows = std::numeric_limits<std::uint32_t>::max();

template <class T>
Source dense_source(const Array& x, double scale, long width) {
  if (x.ndim() != 2 || static_cast<long>(x.shape(1)) != width)
    refuse("x must have " + std::to_string(width) + " columns");
  if (!holds<T>(x) && !holds<std::uint8_t>(x)) refuse("x must be uint8 or of the program's dtype");
  check_layout(x, "x");
  const long rows = static_cast<long>(x.shape(0));
  return {x.data(), holds<std::uint8_t>(x), scale, rows, width, nullptr, 0, nullptr, 0};
}

void check_columns(const std::int32_t* columns, long first, long last, long row, long width) {
  for (long e = first; e < last; ++e) {
    if (columns[e] < 0 || columns[e] >= width)
      refuse("sparse X names column " + std::to_string(columns[e]) + " in row " + std::to_string(row) +
             "; columns are 0 to " + std::to_string(width - 1));
    if (e > first && columns[e] <= columns[e - 1])
      refuse("sparse X has columns that do not ascend in row " + std::to_string(row) +
             ": call X.sum_duplicates() before");
  }
}

template <class T>
Source sparse_source(const SparseTable& x, long width) {
  const auto& [values, starts, columns] = x;
  const long rows = length(starts, "starts") - 1, stored = length(columns, "columns");
  const T* value = checked<T>(values, "values", {stored});
  const std::int64_t* start = checked<std::int64_t>(starts, "starts", {rows + 1});
  const std::int32_t* column = checked<std::int32_t>(columns, "columns", {stored});
  if (rows < 0 || start[0] != 0 || start[rows] > stored)
    refuse("sparse X is damaged: its row starts do not fit its values");
  for (long row = 0; row < rows; ++row)
    if (start[row + 1] < start[row]) refuse("sparse X is damaged: its row starts do not ascend");
  for (long row = 0; row < rows; ++row) check_columns(column, start[row], start[row + 1], row, width);
  return {value, false, 1.0, rows, width, nullptr, 0, nullptr, 0, start, column};
}

std::vector<std::int32_t> checked_labels(const std::int64_t* given, long rows, long classes) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(rows));
  for (long i = 0; i < rows; ++i) {
    if (given[i] < 0 || given[i] >= classes)
      refuse("y[" + std::to_string(i) + "] is " + std::to_string(given[i]) + ", classes are 0 to " +
             std::to_string(classes - 1));
    labels[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(given[i]);
  }
  return labels;
}

template <class T>
void check_targets(LossKind kind, const T* targets, long rows, long outputs) {
  const bool binary = kind == LossKind::binary_cross_entropy, counts = kind == LossKind::poisson;
  if (!binary && !counts) return;
  for (long i = 0; i < rows * outputs; ++i)
    if (counts ? !(targets[i] >= T(0)) : targets[i] != T(0) && targets[i] != T(1))
      refuse("y[" + std::to_string(i / outputs) + ", " + std::to_string(i % outputs) + "] is " +
             (counts ? "not a number of at least 0" : "neither 0 nor 1"));
}

// Whether two sources of one table cut it into the same rows; each may have its own copy of the row starts.
bool same_starts(const Source& a, const Source& b) {
  if (!a.starts || !b.starts) return a.starts == b.starts;
  return a.columns == b.columns && a.rows == b.rows && std::equal(a.starts, a.starts + a.rows + 1, b.starts);
}

}  // namespace

template <class T>
Source checked_source(const Network& network, const Table& x, double scale) {
  if (!std::isfinite(scale)) refuse("scale must be finite");
  const Array* dense = std::get_if<Array>(&x);
  const Source source = dense ? dense_source<T>(*dense, scale, network.inputs)
                              : sparse_source<T>(std::get<SparseTable>(x), network.inputs);
  if (source.rows > most_rows) refuse("x has too many rows");
  return source;
}

template <class T>
Bound<T> checked_data(const Network& network, const Table& x, const Array& y,
                      const std::optional<Array>& weight, double scale) {
  const Source source = checked_source<T>(network, x, scale);
  const long rows = source.rows, outputs = network.outputs();
  Bound<T> bound{{source, rows, {}, nullptr, nullptr}, x, y, weight};
  if (network.loss.kind == LossKind::cross_entropy) {
    bound.data.labels = checked_labels(checked<std::int64_t>(y, "y", {rows}), rows, outputs);
  } else {
    bound.data.targets = checked<T>(y, "y", {rows, outputs});
    check_targets(network.loss.kind, bound.data.targets, rows, outputs);
  }
  if (weight) bound.data.weight = checked<T>(*weight, "weight", {rows});
  for (long i = 0; weight && i < rows; ++i)
    if (!(std::isfinite(bound.data.weight[i]) && bound.data.weight[i] >= T(0)))
      refuse("weight[" + std::to_string(i) + "] is not a finite number of at least 0");
  return bound;
}

void check_alike(const Network& network, const Source& source, const Network& other,
                 const Source& other_source) {
  bool same = network.inputs == other.inputs && network.layers.size() == other.layers.size();
  for (std::size_t i = 0; same && i < network.layers.size(); ++i)
    same = network.layers[i].units == other.layers[i].units;
  if (!same) refuse("programs that run together have layers of the same widths");
  if (source.x != other_source.x || !same_starts(source, other_source) || source.rows != other_source.rows ||
      source.scale != other_source.scale)
    refuse("programs that run together are bound to the same rows");
}

template Source checked_source<float>(const Network&, const Table&, double);
template Source checked_source<double>(const Network&, const Table&, double);
template Bound<float> checked_data(const Network&, const Table&, const Array&, const std::optional<Array>&,
                                   double);
template Bound<double> checked_data(const Network&, const Table&, const Array&, const std::optional<Array>&,
                                    double);

}  // namespace descend::binding
