// The one order in which sixteen lanes are added up.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

template <class T>
struct FourOf {
  typedef T type __attribute__((vector_size(4 * sizeof(T))));
};
template <class T>
using Four = typename FourOf<T>::type;

// Elements of the eight in a and b.
template <int i, int j, int k, int l, class V>
DESCEND_INLINE V shuffle(V a, V b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, i, j, k, l);
#else
  return __builtin_shuffle(a, b, decltype(a < b){i, j, k, l});
#endif
}

template <class T>
DESCEND_INLINE Four<T> quarter_sum(const T (&lane)[narrow_width]) {
  typedef T Eight __attribute__((vector_size(8 * sizeof(T))));
  Eight low, high;
  __builtin_memcpy(&low, lane, sizeof low);
  __builtin_memcpy(&high, lane + 8, sizeof high);
  low = low + high;
  Four<T> half[2];
  __builtin_memcpy(half, &low, sizeof half);
  return half[0] + half[1];
}

// (a0 + a2, a1 + a3, b0 + b2, b1 + b3)
template <class V>
DESCEND_INLINE V pair_sums(V a, V b) {
  return shuffle<0, 1, 4, 5>(a, b) + shuffle<2, 3, 6, 7>(a, b);
}

// Adds sixteen numbers in pairs: 8 apart, 4 apart, 2 apart, neighbours.
template <class T>
DESCEND_INLINE T tree_sum(const T (&lane)[narrow_width]) {
  const Four<T> sum = quarter_sum(lane);
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

// The same for several, four at a time.
template <int count, class T>
DESCEND_INLINE void tree_sums(const T (&lane)[count][narrow_width], T (&total)[count]) {
  int j = 0;
#pragma GCC unroll 5
  for (; j + 4 <= count; j += 4) {
    const Four<T> a = pair_sums(quarter_sum(lane[j]), quarter_sum(lane[j + 1]));
    const Four<T> b = pair_sums(quarter_sum(lane[j + 2]), quarter_sum(lane[j + 3]));
    const Four<T> sum = shuffle<0, 2, 4, 6>(a, b) + shuffle<1, 3, 5, 7>(a, b);
    __builtin_memcpy(total + j, &sum, sizeof sum);
  }
  for (; j < count; ++j) total[j] = tree_sum(lane[j]);
}

// Up to sixteen running sums, one a lane.
template <class T>
struct LaneSums {
  Vector<T> part[lane_vectors<T>] = {};

  DESCEND_INLINE T total() const {
    T lane[narrow_width];
    for (long v = 0; v < lane_vectors<T>; ++v) store(lane + v * lanes<T>, part[v]);
    return tree_sum(lane);
  }
};

}  // namespace
}  // namespace descend::DESCEND_ISA
