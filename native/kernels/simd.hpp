// Vectors of the instruction set this file is compiled for. + − × ÷ and comparisons are the compiler's
// vector extensions; what they cannot say (fused multiply-add, square root) is here.
#pragma once

#include <cstdint>

#include "kernels/interface.hpp"

// Every aarch64 compiler has NEON; the generic table must not use it.
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#elif defined(__ARM_NEON) && !defined(DESCEND_GENERIC)
#define DESCEND_NEON
#include <arm_neon.h>
#endif

#define DESCEND_INLINE inline __attribute__((always_inline))

namespace descend::DESCEND_ISA {
namespace {

// DESCEND_VECTOR_BYTES is 16, 32 or 64; on the -wide table each vector is two of the machine's.
template <class T>
struct Lanes;
template <>
struct Lanes<float> {
  typedef float type __attribute__((vector_size(DESCEND_VECTOR_BYTES)));
  typedef std::int32_t mask __attribute__((vector_size(DESCEND_VECTOR_BYTES)));
  using integer = std::int32_t;
};
template <>
struct Lanes<double> {
  typedef double type __attribute__((vector_size(DESCEND_VECTOR_BYTES)));
  typedef std::int64_t mask __attribute__((vector_size(DESCEND_VECTOR_BYTES)));
  using integer = std::int64_t;
};

template <class T>
using Vector = typename Lanes<T>::type;
template <class T>
using Mask = typename Lanes<T>::mask;
template <class T>
using Integer = typename Lanes<T>::integer;

template <class T>
constexpr long lanes = DESCEND_VECTOR_BYTES / static_cast<long>(sizeof(T));
// Vectors that make up the sixteen lanes of a narrow sum.
template <class T>
constexpr long lane_vectors = narrow_width / lanes<T>;

template <class T>
DESCEND_INLINE Vector<T> load(const T* from) {
  Vector<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
DESCEND_INLINE void store(T* to, Vector<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

// Keeps a value that several multiply-adds use in a register: loaded once, not with each of them.
template <class V>
DESCEND_INLINE void hold(V& v) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(v));
#elif defined(__AVX2__) && DESCEND_VECTOR_BYTES == 32
  __asm__("" : "+x"(v));
#else
  static_cast<void>(v);
#endif
}

// x − 0 is x for every x, −0 included, so this is a broadcast and no arithmetic.
template <class T>
DESCEND_INLINE Vector<T> splat(T x) {
  return x - Vector<T>{};
}

template <class T>
DESCEND_INLINE Vector<T> select(Mask<T> condition, Vector<T> yes, Vector<T> no) {
  return condition ? yes : no;
}

// The lanes whose column first + lane lies before `end`.
template <class T>
DESCEND_INLINE Mask<T> columns_before(long first, long end) {
  Mask<T> number;
  for (long lane = 0; lane < lanes<T>; ++lane) number[lane] = static_cast<Integer<T>>(lane);
  const long left = end - first;
  return number < static_cast<Integer<T>>(left > lanes<T> ? lanes<T> : left);
}

template <class T>
DESCEND_INLINE Vector<T> absolute(Vector<T> v) {
  constexpr Integer<T> all_but_sign = static_cast<Integer<T>>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));
  return (Vector<T>)((Mask<T>)v & all_but_sign);
}

template <class T>
DESCEND_INLINE Vector<T> with_sign_of(Vector<T> magnitude, Vector<T> sign) {
  constexpr Integer<T> sign_bit = static_cast<Integer<T>>(std::uint64_t{1} << (8 * sizeof(T) - 1));
  return (Vector<T>)((Mask<T>)magnitude | ((Mask<T>)sign & sign_bit));
}

// Whether fma() below rounds once.
#if (defined(__AVX2__) && defined(__FMA__)) || defined(DESCEND_NEON)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

#if defined(__AVX2__) && defined(__FMA__)
typedef float Float8 __attribute__((vector_size(32)));
typedef double Double4 __attribute__((vector_size(32)));

DESCEND_INLINE Float8 fma(Float8 a, Float8 b, Float8 c) { return (Float8)_mm256_fmadd_ps(a, b, c); }
DESCEND_INLINE Double4 fma(Double4 a, Double4 b, Double4 c) { return (Double4)_mm256_fmadd_pd(a, b, c); }
DESCEND_INLINE Float8 root(Float8 a) { return (Float8)_mm256_sqrt_ps(a); }
DESCEND_INLINE Double4 root(Double4 a) { return (Double4)_mm256_sqrt_pd(a); }

#if DESCEND_VECTOR_BYTES == 64
typedef Vector<float> Float16;
typedef Vector<double> Double8;
#if defined(__AVX512F__)
DESCEND_INLINE Float16 fma(Float16 a, Float16 b, Float16 c) { return (Float16)_mm512_fmadd_ps(a, b, c); }
DESCEND_INLINE Double8 fma(Double8 a, Double8 b, Double8 c) { return (Double8)_mm512_fmadd_pd(a, b, c); }
DESCEND_INLINE Float16 root(Float16 a) { return (Float16)_mm512_maskz_sqrt_ps(0xffff, a); }
DESCEND_INLINE Double8 root(Double8 a) { return (Double8)_mm512_maskz_sqrt_pd(0xff, a); }
#else
template <class Half, class Whole>
struct Halves {
  Half part[2];
  DESCEND_INLINE explicit Halves(Whole v) { __builtin_memcpy(part, &v, sizeof v); }
  DESCEND_INLINE Whole whole() const {
    Whole v;
    __builtin_memcpy(&v, part, sizeof v);
    return v;
  }
};
template <class Half, class Whole>
DESCEND_INLINE Whole fma_halves(Whole a, Whole b, Whole c) {
  const Halves<Half, Whole> x(a), y(b);
  Halves<Half, Whole> z(c);
  z.part[0] = fma(x.part[0], y.part[0], z.part[0]);
  z.part[1] = fma(x.part[1], y.part[1], z.part[1]);
  return z.whole();
}
template <class Half, class Whole>
DESCEND_INLINE Whole root_halves(Whole a) {
  Halves<Half, Whole> x(a);
  x.part[0] = root(x.part[0]);
  x.part[1] = root(x.part[1]);
  return x.whole();
}
DESCEND_INLINE Float16 fma(Float16 a, Float16 b, Float16 c) { return fma_halves<Float8>(a, b, c); }
DESCEND_INLINE Double8 fma(Double8 a, Double8 b, Double8 c) { return fma_halves<Double4>(a, b, c); }
DESCEND_INLINE Float16 root(Float16 a) { return root_halves<Float8>(a); }
DESCEND_INLINE Double8 root(Double8 a) { return root_halves<Double4>(a); }
#endif
#endif

#elif defined(DESCEND_NEON)
DESCEND_INLINE Vector<float> fma(Vector<float> a, Vector<float> b, Vector<float> c) {
  return (Vector<float>)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
DESCEND_INLINE Vector<double> fma(Vector<double> a, Vector<double> b, Vector<double> c) {
  return (Vector<double>)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
DESCEND_INLINE Vector<float> root(Vector<float> a) { return (Vector<float>)vsqrtq_f32((float32x4_t)a); }
DESCEND_INLINE Vector<double> root(Vector<double> a) { return (Vector<double>)vsqrtq_f64((float64x2_t)a); }

#else
// The generic table has no fused multiply-add; its bits are its own.
template <class V>
DESCEND_INLINE V fma(V a, V b, V c) {
  return a * b + c;
}
DESCEND_INLINE Vector<float> root(Vector<float> a) {
  for (long i = 0; i < lanes<float>; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
DESCEND_INLINE Vector<double> root(Vector<double> a) {
  for (long i = 0; i < lanes<double>; ++i) a[i] = __builtin_sqrt(a[i]);
  return a;
}
#endif

template <class T>
DESCEND_INLINE Mask<T> negative_zero(Vector<T> v) {
  return (Mask<T>)v == (Mask<T>)splat(-T(0));
}

template <class T>
DESCEND_INLINE Mask<T> not_finite(Vector<T> v) {
  return v - v != Vector<T>{};
}

template <class M>
DESCEND_INLINE bool any(const M& mask) {
  std::uint64_t word[sizeof mask / 8], found = 0;
  __builtin_memcpy(word, &mask, sizeof mask);
  for (std::uint64_t part : word) found |= part;
  return found != 0;
}

// Bit l: lane l is not 0.
template <class T>
DESCEND_INLINE std::uint64_t nonzero_lanes(const T* from) {
  const Mask<T> zero = load(from) == Vector<T>{};
#if defined(__AVX512F__)
  const auto bits = sizeof(T) == 4 ? static_cast<std::uint64_t>(_mm512_movepi32_mask((__m512i)zero))
                                   : static_cast<std::uint64_t>(_mm512_movepi64_mask((__m512i)zero));
  return ~bits & ((std::uint64_t{1} << lanes<T>)-1);
#elif defined(__AVX2__) && DESCEND_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4)
    return static_cast<std::uint64_t>(_mm256_movemask_ps((__m256)zero)) ^ 0xff;
  else
    return static_cast<std::uint64_t>(_mm256_movemask_pd((__m256d)zero)) ^ 0xf;
#else
  std::uint64_t bits = 0;
  for (long lane = 0; lane < lanes<T>; ++lane) bits |= static_cast<std::uint64_t>(zero[lane] == 0) << lane;
  return bits;
#endif
}

// Bytes as whole numbers of T.
template <class T>
DESCEND_INLINE Vector<T> widened(const std::uint8_t* from) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)_mm512_maskz_cvtepi32_ps(
        0xffff, _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128((const __m128i*)from)));
  else
    return (Vector<T>)_mm512_maskz_cvtepi32_pd(0xff,
                                               _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)from)));
#elif defined(__AVX2__) && defined(__FMA__)
  constexpr long step = 32 / static_cast<long>(sizeof(T));
  Vector<T> result;
  for (long first = 0; first < lanes<T>; first += step) {
    long long bytes = 0;
    __builtin_memcpy(&bytes, from + first, step);
    const __m128i narrow = _mm_cvtsi64_si128(bytes);
    char* to = reinterpret_cast<char*>(&result) + first * static_cast<long>(sizeof(T));
    if constexpr (sizeof(T) == 4) {
      const __m256 wide = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(narrow));
      __builtin_memcpy(to, &wide, sizeof wide);
    } else {
      const __m256d wide = _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(narrow));
      __builtin_memcpy(to, &wide, sizeof wide);
    }
  }
  return result;
#elif defined(DESCEND_NEON)
  std::uint32_t bytes = 0;
  __builtin_memcpy(&bytes, from, lanes<T>);
  const uint32x4_t words = vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes)))));
  if constexpr (sizeof(T) == 4)
    return (Vector<T>)vcvtq_f32_u32(words);
  else
    return (Vector<T>)vcvtq_f64_u64(vmovl_u32(vget_low_u32(words)));
#else
  Vector<T> result;
  for (long lane = 0; lane < lanes<T>; ++lane) result[lane] = static_cast<T>(from[lane]);
  return result;
#endif
}

}  // namespace
}  // namespace descend::DESCEND_ISA
