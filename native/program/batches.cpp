#include "program/batches.hpp"

#include <algorithm>

namespace descend {

Batches::Batches(const KernelTable& table, const Order& order) : order_(order) {
  stream_.emplace(table, order.seed, order.shuffle || order.replacement ? order.rows : 0);
  largest_ = order.last == LastBatch::wrap ? order.size : std::min(order.size, order.rows);
  for (Epoch& epoch : epochs_) epoch.rows.resize(static_cast<std::size_t>(order.rows));
  if (order.last == LastBatch::wrap)
    for (auto& wrapped : wrapped_) wrapped.resize(static_cast<std::size_t>(order.size));
}

Batches::Batches(Listed listed, long first_step)
    : listed_(std::move(listed)), first_step_(first_step), by_hand_(true) {
  for (std::size_t i = 1; i < listed_.offsets.size(); ++i)
    largest_ = std::max(largest_, listed_.offsets[i] - listed_.offsets[i - 1]);
}

const std::vector<std::uint32_t>& Batches::epoch(long number) {
  Epoch& epoch = epochs_[number % 3];
  if (epoch.number == number) return epoch.rows;
  epoch.number = number;
  if (order_.replacement) {
    stream_->draws(static_cast<std::uint32_t>(number), epoch.rows.data());
  } else if (order_.shuffle) {
    stream_->permutation(static_cast<std::uint32_t>(number), epoch.rows.data());
  } else {
    for (std::size_t i = 0; i < epoch.rows.size(); ++i) epoch.rows[i] = static_cast<std::uint32_t>(i);
  }
  if (!order_.subset.empty())
    for (std::uint32_t& row : epoch.rows) row = order_.subset[row];
  return epoch.rows;
}

Rows Batches::rows(long step) {
  if (by_hand_) {
    const std::size_t i = static_cast<std::size_t>(step - first_step_);
    return {listed_.rows.data() + listed_.offsets[i], listed_.offsets[i + 1] - listed_.offsets[i],
            listed_.offsets.back() - listed_.offsets[i + 1]};
  }
  const bool drop = order_.last == LastBatch::drop;
  const long per_epoch = drop ? order_.rows / order_.size : (order_.rows + order_.size - 1) / order_.size;
  const long number = step / per_epoch, start = step % per_epoch * order_.size;
  const auto& present = epoch(number);
  const long count = std::min(order_.size, order_.rows - start);
  if (order_.last != LastBatch::wrap || count == order_.size)
    return {present.data() + start, count, order_.rows - start - count};
  auto& wrapped = wrapped_[step % 2];
  const auto& following = epoch(number + 1);
  std::copy_n(present.begin() + start, count, wrapped.begin());
  for (long i = count; i < order_.size; ++i)
    wrapped[static_cast<std::size_t>(i)] = following[static_cast<std::size_t>((i - count) % order_.rows)];
  return {wrapped.data(), order_.size, 0};
}

}  // namespace descend
