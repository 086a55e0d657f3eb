// The pieces that a tall table's rows are taken in. They depend on its size alone, and so do its results.
#pragma once

#include <algorithm>

#include "kernels/tsqr_interface.hpp"

namespace descend::tsqr {

struct Chunks {
  long rows, chunk;

  // Long enough that merging costs little beside reducing, short enough that rounding does not pile up.
  Chunks(long all, long columns) : rows(all), chunk(std::max(4096L, round_to_blocks(4 * columns))) {}

  long count() const { return (rows + chunk - 1) / chunk; }
  long begin(long index) const { return index * chunk; }
  long end(long index) const { return std::min(rows, (index + 1) * chunk); }

  // body(first row, rows) for each block of a chunk, and checkpoint() after it.
  template <class Checkpoint, class Body>
  void for_blocks(long index, const Checkpoint& checkpoint, const Body& body) const {
    for (long first = begin(index); first < end(index); first += block_rows) {
      body(first, std::min(block_rows, end(index) - first));
      checkpoint();
    }
  }

 private:
  static long round_to_blocks(long rows) { return (rows + block_rows - 1) / block_rows * block_rows; }
};

}  // namespace descend::tsqr
