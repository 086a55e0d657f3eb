// Whether rows are worth looking through for zeros.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/interface.hpp"

namespace descend {

namespace detail {
constexpr long rows_looked_at = 64;
// Of the blocks that are not all zero; with more, products that read everything are as fast.
constexpr double filled_share = 0.4, filled_share_of_blocks = 0.7;

template <class X>
long count_filled(const X* row, long width, long block) {
  long count = 0;
  if (block == 1) {  // a loop of its own, which compilers turn into vectors
    for (long k = 0; k < width; ++k) count += row[k] != X(0);
    return count;
  }
  for (long k = 0; k < width; k += block) {
    const long end = std::min(width, k + block);
    bool any = false;
    for (long c = k; c < end; ++c) any |= row[c] != X(0);
    count += any;
  }
  return count;
}
}  // namespace detail

// Judged by some of the rows, in blocks of so many neighbouring inputs. What a program computes does not
// depend on the answer.
template <class T>
bool mostly_zero(const Source& source, long rows, long block) {
  const long looked_at = std::min(rows, detail::rows_looked_at), width = source.width;
  long filled = 0;
  for (long i = 0; i < looked_at; ++i) {
    const long start = (source.first + rows * i / looked_at) * width;
    filled += source.bytes
                  ? detail::count_filled(static_cast<const std::uint8_t*>(source.x) + start, width, block)
                  : detail::count_filled(static_cast<const T*>(source.x) + start, width, block);
  }
  const long blocks = (width + block - 1) / block;
  return static_cast<double>(filled) <= (block == 1 ? detail::filled_share : detail::filled_share_of_blocks) *
                                            static_cast<double>(looked_at * blocks);
}

}  // namespace descend
