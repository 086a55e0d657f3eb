#include "binding/data.hpp"

#include <cmath>
#include <limits>

namespace descend::binding {
namespace {

constexpr long most_rows = std::numeric_limits<std::uint32_t>::max();

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
const T* checked_targets(const Array& y, LossKind kind, long rows, long outputs) {
  const T* targets = checked<T>(y, "y", {rows, outputs});
  for (long i = 0; kind == LossKind::binary_cross_entropy && i < rows * outputs; ++i)
    if (targets[i] != T(0) && targets[i] != T(1))
      refuse("y[" + std::to_string(i / outputs) + ", " + std::to_string(i % outputs) +
             "] is neither 0 nor 1");
  return targets;
}

template <class T>
const T* checked_weight(const Array& weight, long rows) {
  const T* values = checked<T>(weight, "weight", {rows});
  for (long i = 0; i < rows; ++i)
    if (!(std::isfinite(values[i]) && values[i] >= T(0)))
      refuse("weight[" + std::to_string(i) + "] is not a finite number of at least 0");
  return values;
}

}  // namespace

template <class T>
Source checked_source(const Network& network, const Array& x, double scale) {
  if (x.ndim() != 2 || static_cast<long>(x.shape(1)) != network.inputs)
    refuse("x must have " + std::to_string(network.inputs) + " columns");
  const long rows = static_cast<long>(x.shape(0));
  if (rows > most_rows) refuse("x has too many rows");
  const bool bytes = holds<std::uint8_t>(x);
  if (!bytes && !holds<T>(x)) refuse("x must be uint8 or of the program's dtype");
  if (!std::isfinite(scale)) refuse("scale must be finite");
  check_layout(x, "x");
  return {x.data(), bytes, scale, rows, network.inputs, nullptr, 0, nullptr, 0};
}

template <class T>
Bound<T> checked_data(const Network& network, const Array& x, const Array& y,
                      const std::optional<Array>& weight, double scale) {
  const Source source = checked_source<T>(network, x, scale);
  Bound<T> bound{{source, source.rows, {}, nullptr, nullptr}, x, y, weight};
  Data<T>& data = bound.data;
  const LossKind kind = network.loss.kind;
  if (kind == LossKind::cross_entropy)
    data.labels = checked_labels(checked<std::int64_t>(y, "y", {data.rows}), data.rows, network.outputs());
  else
    data.targets = checked_targets<T>(y, kind, data.rows, network.outputs());
  if (weight) data.weight = checked_weight<T>(*weight, data.rows);
  return bound;
}

void check_alike(const Network& network, const Source& source, const Network& other,
                 const Source& other_source) {
  bool same = network.inputs == other.inputs && network.layers.size() == other.layers.size();
  for (std::size_t i = 0; same && i < network.layers.size(); ++i)
    same = network.layers[i].units == other.layers[i].units;
  if (!same) refuse("programs that run together have layers of the same widths");
  if (source.x != other_source.x || source.rows != other_source.rows || source.scale != other_source.scale)
    refuse("programs that run together are bound to the same rows");
}

template Source checked_source<float>(const Network&, const Array&, double);
template Source checked_source<double>(const Network&, const Array&, double);
template Bound<float> checked_data(const Network&, const Array&, const Array&, const std::optional<Array>&,
                                   double);
template Bound<double> checked_data(const Network&, const Array&, const Array&, const std::optional<Array>&,
                                    double);

}  // namespace descend::binding
