// The random streams of streams.py: same words, same orders.
#pragma once

#include <cstdint>
#include <vector>

namespace descend {

enum class Purpose : std::uint32_t { initial, order, dropout, split };

// 64-bit words 0 … words.size() − 1 of one stream, layer 0.
void long_words(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::vector<std::uint64_t>& words);

// Draws orders of the same number of rows; its memory is got once.
class OrderStream {
 public:
  OrderStream(std::uint64_t seed, long rows);

  // The rows in the order of their words; ties keep the rows' order. `order` has room for all rows.
  void permutation(std::uint32_t step, std::uint32_t* order);

  // Row numbers with replacement: ⌊word · rows / 2⁶⁴⌋.
  void draws(std::uint32_t step, std::uint32_t* order);

 private:
  struct Keyed {
    std::uint64_t key;
    std::uint32_t row;
  };
  void sort_by_upper_bits();
  void settle_neighbours();

  std::uint64_t seed_;
  std::vector<std::uint64_t> words_;
  std::vector<Keyed> keyed_, other_;
};

}  // namespace descend
