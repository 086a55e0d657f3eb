#include "binding/plans.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace descend::binding {
namespace {

constexpr long most_steps = 1L << 32;
constexpr long most_wrapped = 1L << 24;  // rows of a batch that is larger than its table

}  // namespace

long length(const Array& array, const char* name) {
  if (array.ndim() != 1) refuse(std::string(name) + " must have one dimension");
  return static_cast<long>(array.shape(0));
}

std::vector<std::uint32_t> checked_rows(const Array& rows, long first, long last, long bound) {
  const std::int64_t* given = checked<std::int64_t>(rows, "rows", {length(rows, "rows")});
  std::vector<std::uint32_t> numbers;
  numbers.reserve(static_cast<std::size_t>(last - first));
  for (long i = first; i < last; ++i) {
    if (given[i] < 0 || given[i] >= bound)
      refuse("rows[" + std::to_string(i) + "] is " + std::to_string(given[i]) + ", bound are " +
             std::to_string(bound) + " rows");
    numbers.push_back(static_cast<std::uint32_t>(given[i]));
  }
  return numbers;
}

// The part of a list of batches that so many steps read.
Listed checked_listed(long steps, const Array& rows, const Array& offsets, long bound) {
  const long total = length(rows, "rows"), ends = length(offsets, "offsets");
  const std::int64_t* from = checked<std::int64_t>(offsets, "offsets", {ends});
  if (steps + 1 > ends) refuse("offsets end before the plan does");
  for (long i = 0; i <= steps; ++i)
    if (from[i] < (i ? from[i - 1] : 0) || from[i] > total)
      refuse("offsets must ascend from 0 to the number of rows");
  Listed listed{checked_rows(rows, from[0], from[steps], bound), {}};
  for (long i = 0; i <= steps; ++i) listed.offsets.push_back(from[i] - from[0]);
  return listed;
}

Order checked_order(const OrderTuple& given, long bound) {
  const auto& [seed, rows, size, last, shuffle, replacement, subset] = given;
  Order order{seed, rows, size, static_cast<LastBatch>(last), shuffle, replacement, {}};
  if (subset) order.subset = checked_rows(*subset, 0, length(*subset, "subset"), bound);
  const long all = subset ? static_cast<long>(order.subset.size()) : bound;
  if (rows < 1 || rows > all)
    refuse("the order is of " + std::to_string(rows) + " rows, there are " + std::to_string(all));
  if (last < 0 || last > static_cast<int>(LastBatch::wrap)) refuse("unknown last batch");
  if (size < 1 || (order.last == LastBatch::wrap && size > std::max(rows, most_wrapped)))
    refuse("a batch cannot have " + std::to_string(size) + " rows");
  if (order.last == LastBatch::drop && size > rows)
    refuse("every batch is dropped: it is larger than the table");
  return order;
}

double checked_clip(double clip) {
  if (!(clip > 0)) refuse("clip must be above 0");
  return clip;
}

Rates checked_rates(long first_step, const Array& rate, const Array& decay, long parameters) {
  const long steps = length(rate, "rate");
  const double* rates = checked<double>(rate, "rate", {steps});
  const bool per_step = decay.ndim() == 2;
  const double* decays = checked<double>(
      decay, "decay", per_step ? std::vector<long>{steps, parameters} : std::vector<long>{parameters});
  if (first_step < 0 || first_step > most_steps - steps) refuse("steps must lie between 0 and 2**32");
  Rates checked{{rates, rates + steps}, {decays, decays + (per_step ? steps : 1) * parameters}};
  for (const auto* values : {&checked.rate, &checked.decay})
    for (double value : *values)
      if (!(std::isfinite(value) && value >= 0))
        refuse("rate and decay must be finite numbers of at least 0");
  return checked;
}

}  // namespace descend::binding
