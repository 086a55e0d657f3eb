// Philox4x32-10 for dropout, a batch of counters at a time. Defined by streams.py.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

constexpr int philox_batch = 16;
constexpr std::uint32_t dropout_purpose = 2;

// The words of blocks first … first + 15 of a dropout's stream.
inline void philox(const DropoutMask& mask, std::uint64_t first, std::uint32_t (&word)[4 * philox_batch]) {
  std::uint32_t c0[philox_batch], c1[philox_batch], c2[philox_batch], c3[philox_batch];
  for (int i = 0; i < philox_batch; ++i) {
    c0[i] = static_cast<std::uint32_t>(first + static_cast<std::uint64_t>(i));
    c1[i] = mask.layer;
    c2[i] = mask.step;
    c3[i] = dropout_purpose;
  }
  std::uint32_t key0 = static_cast<std::uint32_t>(mask.seed),
                key1 = static_cast<std::uint32_t>(mask.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < philox_batch; ++i) {
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
  for (int i = 0; i < philox_batch; ++i) {
    word[4 * i] = c0[i];
    word[4 * i + 1] = c1[i];
    word[4 * i + 2] = c2[i];
    word[4 * i + 3] = c3[i];
  }
}

}  // namespace
}  // namespace descend::DESCEND_ISA
