#include "program/streams.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace descend {
OrderStream::OrderStream(const KernelTable& table, std::uint64_t seed, long rows)
    : table_(table),
      seed_(seed),
      words_(static_cast<std::size_t>(round_up(rows, 2 * stream_blocks))),
      keyed_(static_cast<std::size_t>(rows)),
      other_(static_cast<std::size_t>(rows)) {}

void OrderStream::draw_words(std::uint32_t step) {
  const Stream stream{seed_, step, 0, static_cast<std::uint32_t>(Purpose::order)};
  // The first of two 32-bit words is the lower half.
  table_.words(stream, 0, static_cast<long>(words_.size() / 2),
               reinterpret_cast<std::uint32_t*>(words_.data()));
}

void OrderStream::permutation(std::uint32_t step, std::uint32_t* order) {
  draw_words(step);
  for (std::size_t i = 0; i < keyed_.size(); ++i)
    keyed_[i] = {static_cast<std::uint32_t>(words_[i] >> 32), static_cast<std::uint32_t>(i)};
  sort_by_upper_bits();
  settle_neighbours();
  for (std::size_t i = 0; i < keyed_.size(); ++i) order[i] = keyed_[i].row;
}

// Stable counting passes over as many upper bits as tell about all rows apart.
void OrderStream::sort_by_upper_bits() {
  constexpr int most_bits = 11;
  const int bits = std::bit_width(keyed_.size());
  const int passes = (bits + most_bits - 1) / most_bits,
            digit_bits = (bits + passes - 1) / std::max(passes, 1);
  for (int pass = 0; pass < passes; ++pass) {
    const int shift = 32 - (passes - pass) * digit_bits;
    std::array<std::uint32_t, (1u << most_bits) + 1> start{};
    const auto digit = [=](const Keyed& k) { return k.key >> shift & ((1u << digit_bits) - 1); };
    for (const Keyed& k : keyed_) ++start[digit(k) + 1];
    for (std::size_t d = 1; d < start.size(); ++d) start[d] += start[d - 1];
    for (const Keyed& k : keyed_) other_[start[digit(k)]++] = k;
    std::swap(keyed_, other_);
  }
}

bool OrderStream::before(const Keyed& a, const Keyed& b) const {
  return a.key != b.key ? a.key < b.key : words_[a.row] < words_[b.row];
}

// Insertion sort by the whole word: rows that share the upper bits are few and side by side.
void OrderStream::settle_neighbours() {
  for (std::size_t i = 1; i < keyed_.size(); ++i) {
    const Keyed moving = keyed_[i];
    std::size_t place = i;
    for (; place > 0 && before(moving, keyed_[place - 1]); --place) keyed_[place] = keyed_[place - 1];
    keyed_[place] = moving;
  }
}

void OrderStream::draws(std::uint32_t step, std::uint32_t* order) {
  draw_words(step);
  const std::uint64_t rows = keyed_.size();
  for (std::size_t i = 0; i < keyed_.size(); ++i) {
    const std::uint64_t low = words_[i] & 0xffffffffu, high = words_[i] >> 32;
    order[i] = static_cast<std::uint32_t>((high * rows + (low * rows >> 32)) >> 32);
  }
}

}  // namespace descend
