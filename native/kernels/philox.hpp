// Philox4x32-10, a batch of counters at a time. Defined by streams.py.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

// The words of blocks first … first + 15.
inline void philox(const Stream& stream, std::uint64_t first, std::uint32_t (&word)[4 * stream_blocks]) {
  constexpr int count = stream_blocks;
  std::uint32_t c0[count], c1[count], c2[count], c3[count];
  for (int i = 0; i < count; ++i) {
    c0[i] = static_cast<std::uint32_t>(first + static_cast<std::uint64_t>(i));
    c1[i] = stream.layer;
    c2[i] = stream.step;
    c3[i] = stream.purpose;
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(stream.seed),
                key1 = static_cast<std::uint32_t>(stream.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < count; ++i) {
      const std::uint64_t a = std::uint64_t{c0[i]} * 0xD2511F53u;
      const std::uint64_t b = std::uint64_t{c2[i]} * 0xCD9E8D57u;
      c0[i] = static_cast<std::uint32_t>(b >> 32) ^ c1[i] ^ key0;
      c1[i] = static_cast<std::uint32_t>(b);
      c2[i] = static_cast<std::uint32_t>(a >> 32) ^ c3[i] ^ key1;
      c3[i] = static_cast<std::uint32_t>(a);
    }
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  for (int i = 0; i < count; ++i) {
    word[4 * i] = c0[i];
    word[4 * i + 1] = c1[i];
    word[4 * i + 2] = c2[i];
    word[4 * i + 3] = c3[i];
  }
}

inline void words(const Stream& stream, std::uint64_t first, long blocks, std::uint32_t* out) {
  for (long block = 0; block < blocks; block += stream_blocks, out += 4 * stream_blocks) {
    std::uint32_t batch[4 * stream_blocks];
    philox(stream, first + static_cast<std::uint64_t>(block), batch);
    __builtin_memcpy(out, batch, sizeof batch);
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
