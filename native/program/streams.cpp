#include "program/streams.hpp"

#include <array>
#include <utility>

namespace descend {
namespace {

struct Block {
  std::uint32_t word[4];
};

Block philox(std::uint32_t position, std::uint32_t step, std::uint32_t purpose, std::uint64_t seed) {
  std::uint32_t c0 = position, c1 = 0, c2 = step, c3 = purpose;
  std::uint32_t key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{c0} * 0xD2511F53u;
    const std::uint64_t b = std::uint64_t{c2} * 0xCD9E8D57u;
    c0 = static_cast<std::uint32_t>(b >> 32) ^ c1 ^ key0;
    c1 = static_cast<std::uint32_t>(b);
    c2 = static_cast<std::uint32_t>(a >> 32) ^ c3 ^ key1;
    c3 = static_cast<std::uint32_t>(a);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

}  // namespace

void long_words(std::uint64_t seed, Purpose purpose, std::uint32_t step, std::vector<std::uint64_t>& words) {
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const Block block =
        philox(static_cast<std::uint32_t>(i / 2), step, static_cast<std::uint32_t>(purpose), seed);
    words[i] = block.word[0] | std::uint64_t{block.word[1]} << 32;
    if (i + 1 < words.size()) words[i + 1] = block.word[2] | std::uint64_t{block.word[3]} << 32;
  }
}

OrderStream::OrderStream(std::uint64_t seed, long rows)
    : seed_(seed),
      words_(static_cast<std::size_t>(rows)),
      keyed_(static_cast<std::size_t>(rows)),
      other_(static_cast<std::size_t>(rows)) {}

void OrderStream::permutation(std::uint32_t step, std::uint32_t* order) {
  long_words(seed_, Purpose::order, step, words_);
  for (std::size_t i = 0; i < words_.size(); ++i) keyed_[i] = {words_[i], static_cast<std::uint32_t>(i)};
  sort_by_upper_bits();
  settle_neighbours();
  for (std::size_t i = 0; i < keyed_.size(); ++i) order[i] = keyed_[i].row;
}

// Three stable counting passes over bits 31 … 63.
void OrderStream::sort_by_upper_bits() {
  constexpr int digit_bits = 11;
  for (int shift = 31; shift < 64; shift += digit_bits) {
    std::array<std::uint32_t, (1u << digit_bits) + 1> start{};
    const auto digit = [shift](const Keyed& k) { return k.key >> shift & ((1u << digit_bits) - 1); };
    for (const Keyed& k : keyed_) ++start[digit(k) + 1];
    for (std::size_t d = 1; d < start.size(); ++d) start[d] += start[d - 1];
    for (const Keyed& k : keyed_) other_[start[digit(k)]++] = k;
    std::swap(keyed_, other_);
  }
}

// Insertion sort by the whole word: rows that share their upper 33 bits are few and side by side.
void OrderStream::settle_neighbours() {
  for (std::size_t i = 1; i < keyed_.size(); ++i) {
    const Keyed moving = keyed_[i];
    std::size_t place = i;
    for (; place > 0 && keyed_[place - 1].key > moving.key; --place) keyed_[place] = keyed_[place - 1];
    keyed_[place] = moving;
  }
}

void OrderStream::draws(std::uint32_t step, std::uint32_t* order) {
  long_words(seed_, Purpose::order, step, words_);
  const std::uint64_t rows = words_.size();
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::uint64_t low = words_[i] & 0xffffffffu, high = words_[i] >> 32;
    order[i] = static_cast<std::uint32_t>((high * rows + (low * rows >> 32)) >> 32);
  }
}

}  // namespace descend
