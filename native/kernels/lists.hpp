// Lists of where bits are set.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

typedef std::uint8_t EightBytes __attribute__((vector_size(8)));
typedef std::uint16_t EightNumbers __attribute__((vector_size(16)));

// For every byte the places of its bits, the lowest first.
struct BitPlaces {
  EightBytes of[256];
  std::uint8_t count[256];
};
constexpr BitPlaces make_bit_places() {
  BitPlaces places{};
  for (int byte = 0; byte < 256; ++byte) {
    std::uint8_t list[8] = {}, count = 0;
    for (std::uint8_t bit = 0; bit < 8; ++bit)
      if (byte >> bit & 1) list[count++] = bit;
    places.of[byte] = EightBytes{list[0], list[1], list[2], list[3], list[4], list[5], list[6], list[7]};
    places.count[byte] = count;
  }
  return places;
}
constexpr BitPlaces bit_places = make_bit_places();

// Appends first + factor · place for the bits that are set, without a branch on them; gives the new count.
// Up to eight numbers behind the list are overwritten.
template <int factor = 1>
DESCEND_INLINE long list_byte(std::uint8_t bits, long first, std::uint16_t* list, long count) {
  const EightNumbers places =
      __builtin_convertvector(bit_places.of[bits], EightNumbers) * static_cast<std::uint16_t>(factor) +
      static_cast<std::uint16_t>(first);
  __builtin_memcpy(list + count, &places, sizeof places);
  return count + bit_places.count[bits];
}

// Rows below `rows` whose byte has the bit.
struct MarkedRows {
  std::uint16_t row[most_block_rows + 8];
  long count;

  DESCEND_INLINE void list(const std::uint8_t* marks, long bit, long rows) {
    constexpr std::uint64_t lowest = 0x0101010101010101u, gather = 0x0102040810204080u;
    count = 0;
    for (long first = 0; first < rows; first += 8) {
      std::uint64_t bytes;
      __builtin_memcpy(&bytes, marks + first, sizeof bytes);
      auto bits = static_cast<std::uint8_t>((bytes >> bit & lowest) * gather >> 56);
      if (first + 8 > rows) bits &= static_cast<std::uint8_t>((1 << (rows - first)) - 1);
      count = list_byte(bits, first, row, count);
    }
  }
};

}  // namespace
}  // namespace descend::DESCEND_ISA
