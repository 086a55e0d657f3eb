// The random streams of streams.py: same words, same orders.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/interface.hpp"

namespace descend {

enum class Purpose : std::uint32_t { initial, order, dropout, split };

inline Stream dropout_stream(std::uint64_t seed, std::uint32_t step, std::uint32_t layer) {
  return {seed, step, layer, static_cast<std::uint32_t>(Purpose::dropout)};
}

// Draws orders of the same number of rows; its memory is got once.
class OrderStream {
 public:
  OrderStream(const KernelTable& table, std::uint64_t seed, long rows);

  // The rows in the order of their words; ties keep the rows' order. `order` has room for all rows.
  void permutation(std::uint32_t step, std::uint32_t* order);

  // Row numbers with replacement: ⌊word · rows / 2⁶⁴⌋.
  void draws(std::uint32_t step, std::uint32_t* order);

 private:
  struct Keyed {
    std::uint32_t key;  // upper half of the row's word
    std::uint32_t row;
  };
  bool before(const Keyed& a, const Keyed& b) const;
  void draw_words(std::uint32_t step);
  void sort_by_upper_bits();
  void settle_neighbours();

  const KernelTable& table_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> words_;  // 64 bits a row, and the rest of the last batch
  std::vector<Keyed> keyed_, other_;
};

}  // namespace descend
