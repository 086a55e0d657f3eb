// exp, log, log1p, tanh and erf with fixed coefficients, so that every machine gets the same bits.
// At most 2 ulp in float32 and float64 where there is a fused multiply-add; NaN passes through.
#pragma once

#include "kernels/simd.hpp"

namespace descend::DESCEND_ISA {
namespace {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr int mantissa_bits = 23;
  static constexpr std::int32_t bias = 127;
  static constexpr float shifter = 12582912.0f;  // 1.5 · 2²³: adding it rounds to a whole number
  static constexpr float log2e = 1.4426950408889634f;
  static constexpr float ln2_high = 0.693359375f;  // few bits, so that n · ln2_high is exact
  static constexpr float ln2_low = -0.00021219444170128554f;
  static constexpr float exp_most = 89.0f, exp_least = -104.0f;
  static constexpr float least_normal = 1.17549435e-38f;
  static constexpr float scale_up = 33554432.0f;  // 2²⁵ lifts subnormals
  static constexpr int scale_bits = 25;
  static constexpr float tanh_is_one = 10.0f;
  static constexpr float infinity = __builtin_inff();
  // 1/k! for k = 2 … 7
  static constexpr float exp_terms[] = {5.0000000000000000e-01f, 1.6666666666666667e-01f,
                                        4.1666666666666667e-02f, 8.3333333333333333e-03f,
                                        1.3888888888888889e-03f, 1.9841269841269841e-04f};
  // 2/(2k + 1) for k = 1 … 5
  static constexpr float log_terms[] = {2.0f / 3, 2.0f / 5, 2.0f / 7, 2.0f / 9, 2.0f / 11};
  // Chebyshev fits: erf(x)/x − 1 in x² on [0, 1]; exp(x²) erfc(x) in (x − centre)/(x + centre) on [1, end].
  static constexpr float erf_terms[] = {0.12837916612625122f,  -0.3761262595653534f,  0.11283594369888306f,
                                        -0.02685421146452427f, 0.005189087241888046f, -0.000801686430349946f,
                                        7.875874871388078e-05f};
  static constexpr float erfcx_centre = 2.0f, erf_is_one = 4.0f;
  static constexpr float erfcx_terms[] = {
      0.25539568066596985f,  -0.4271858334541321f,  0.24165821075439453f,    -0.0789785236120224f,
      0.003732141340151429f, 0.006994855590164661f, -0.0008365899557247758f, -0.0009441596339456737f};
};

template <>
struct Constants<double> {
  static constexpr int mantissa_bits = 52;
  static constexpr std::int64_t bias = 1023;
  static constexpr double shifter = 6755399441055744.0;  // 1.5 · 2⁵²
  static constexpr double log2e = 1.4426950408889634;
  static constexpr double ln2_high = 0x1.62e42fee00000p-1;
  static constexpr double ln2_low = 1.9082149292705877e-10;
  static constexpr double exp_most = 710.0, exp_least = -746.0;
  static constexpr double least_normal = 2.2250738585072014e-308;
  static constexpr double scale_up = 18014398509481984.0;  // 2⁵⁴
  static constexpr int scale_bits = 54;
  static constexpr double tanh_is_one = 22.0;
  static constexpr double infinity = __builtin_inf();
  // 1/k! for k = 2 … 13
  static constexpr double exp_terms[] = {
      5.0000000000000000e-01, 1.6666666666666667e-01, 4.1666666666666667e-02, 8.3333333333333333e-03,
      1.3888888888888889e-03, 1.9841269841269841e-04, 2.4801587301587302e-05, 2.7557319223985891e-06,
      2.7557319223985888e-07, 2.5052108385441719e-08, 2.0876756987868099e-09, 1.6059043836821615e-10};
  // 2/(2k + 1) for k = 1 … 10
  static constexpr double log_terms[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                         2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
  static constexpr double erf_terms[] = {
      0.1283791670955126,     -0.3761263890318375,     0.11283791670954879,    -0.026866170645076792,
      0.0052239776248180145,  -0.000854832698083379,   0.0001205533111164271,  -1.4925595266831182e-05,
      1.6461000484121368e-06, -1.6350312701054695e-07, 1.4659775274047436e-08, -1.1372848856791674e-09,
      5.957176147748911e-11};
  static constexpr double erfcx_centre = 2.5, erf_is_one = 6.0;
  static constexpr double erfcx_terms[] = {
      0.2108063640611436,    -0.37173673394897294,    0.2517131932174488,      -0.12503305237891782,
      0.03992253907546523,   -0.003993701160123029,   -0.0026423659518134547,  0.0008759152875774328,
      0.0002283799633257643, -0.00012887483134837842, -3.4175718896856294e-05, 1.8596747731144528e-05,
      7.499735050763299e-06, -2.2328516517555215e-06, -1.587633893127344e-06};
};

// c₀ + c₁ x + c₂ x² + … by Horner's rule.
template <class T, int N>
DESCEND_INLINE Vector<T> polynomial(const T (&c)[N], Vector<T> x) {
  Vector<T> sum = splat(c[N - 1]);
#pragma GCC unroll 16
  for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, splat(c[i]));
  return sum;
}

// 2ⁿ for whole n that keeps it normal.
template <class T>
DESCEND_INLINE Vector<T> power_of_two(Mask<T> n) {
  return (Vector<T>)((n + Constants<T>::bias) << Constants<T>::mantissa_bits);
}

// x = n ln 2 + r with |r| ≤ ½ ln 2; gives exp(r) − 1.
template <class T>
struct Reduced {
  Mask<T> n;
  Vector<T> expm1;
};

template <class T>
DESCEND_INLINE Reduced<T> reduce(Vector<T> x) {
  using C = Constants<T>;
  const Vector<T> shifted = fma(x, splat(C::log2e), splat(C::shifter));
  const Vector<T> whole = shifted - C::shifter;
  Vector<T> r = fma(whole, splat(-C::ln2_high), x);
  r = fma(whole, splat(-C::ln2_low), r);
  const Mask<T> n = (Mask<T>)shifted - (Mask<T>)splat(C::shifter);
  return {n, fma(r * r, polynomial<T>(C::exp_terms, r), r)};
}

template <class T>
DESCEND_INLINE Vector<T> exp(Vector<T> x) {
  using C = Constants<T>;
  Vector<T> clipped = select<T>(x > C::exp_most, splat(C::exp_most), x);
  clipped = select<T>(clipped < C::exp_least, splat(C::exp_least), clipped);
  const Reduced<T> part = reduce<T>(clipped);
  // Two factors, for 2ⁿ itself may be subnormal or too large.
  const Mask<T> half = part.n >> 1;
  return (part.expm1 + T(1)) * power_of_two<T>(half) * power_of_two<T>(part.n - half);
}

// log(u) + correction for positive normal u, where correction is small.
template <class T>
DESCEND_INLINE Vector<T> log_positive(Vector<T> u, Mask<T> exponent_offset, Vector<T> correction) {
  using C = Constants<T>;
  const Vector<T> root_half = splat(T(0.70710678118654752));
  const Mask<T> bits = (Mask<T>)u;
  // Exponent such that the mantissa lies in [√½, √2).
  const Mask<T> n = (bits - (Mask<T>)root_half) >> C::mantissa_bits;
  const Vector<T> m = (Vector<T>)(bits - (n << C::mantissa_bits));
  const Vector<T> f = m - T(1);
  const Vector<T> s = f / (f + T(2));
  const Vector<T> z = s * s;
  const Vector<T> series = z * polynomial<T>(C::log_terms, z);
  const Vector<T> half_square = T(0.5) * f * f;
  const Vector<T> whole = (Vector<T>)((n + exponent_offset) + (Mask<T>)splat(C::shifter)) - C::shifter;
  const Vector<T> low = fma(whole, splat(C::ln2_low), correction);
  // log(1 + f) = f − f²/2 + s (f²/2 + series)
  const Vector<T> tail = fma(s, half_square + series, low);
  return whole * C::ln2_high - ((half_square - tail) - f);
}

template <class T>
DESCEND_INLINE Vector<T> log(Vector<T> x) {
  using C = Constants<T>;
  const Mask<T> tiny = x < C::least_normal;
  const Vector<T> lifted = select<T>(tiny, x * C::scale_up, x);
  const Mask<T> offset = tiny & static_cast<Integer<T>>(-C::scale_bits);
  Vector<T> result = log_positive<T>(lifted, offset, Vector<T>{});
  result = select<T>(x == C::infinity, x, result);
  result = select<T>(x == T(0), splat(-C::infinity), result);
  return select<T>(x < T(0), x - x + splat(T(__builtin_nan(""))), select<T>(x != x, x, result));
}

template <class T>
DESCEND_INLINE Vector<T> log1p(Vector<T> x) {
  using C = Constants<T>;
  const Vector<T> u = x + T(1);
  // What rounding u lost.
  const Vector<T> lost = select<T>(absolute<T>(x) < T(1), x - (u - T(1)), T(1) - (u - x));
  const Vector<T> safe = select<T>(u > T(0), u, splat(T(1)));
  Vector<T> result = log_positive<T>(safe, Mask<T>{}, lost / safe);
  result = select<T>(u == T(1), x, result);
  result = select<T>(x == C::infinity, x, result);
  result = select<T>(x == T(-1), splat(-C::infinity), result);
  return select<T>(x < T(-1), splat(T(__builtin_nan(""))), select<T>(x != x, x, result));
}

template <class T>
DESCEND_INLINE Vector<T> tanh(Vector<T> x) {
  using C = Constants<T>;
  const Vector<T> size = absolute<T>(x);
  const Vector<T> clipped = select<T>(size > C::tanh_is_one, splat(C::tanh_is_one), size);
  const Reduced<T> part = reduce<T>(clipped + clipped);
  const Vector<T> power = power_of_two<T>(part.n);
  const Vector<T> expm1 = fma(power, part.expm1, power - T(1));
  return with_sign_of<T>(expm1 / (expm1 + T(2)), x);
}

template <class T>
DESCEND_INLINE Vector<T> erf(Vector<T> x) {
  using C = Constants<T>;
  const Vector<T> near = fma(x, polynomial<T>(C::erf_terms, x * x), x);
  const Vector<T> size = absolute<T>(x);
  const Vector<T> clipped = select<T>(size > C::erf_is_one, splat(C::erf_is_one), size);
  const Vector<T> place = (clipped - C::erfcx_centre) / (clipped + C::erfcx_centre);
  const Vector<T> rest = exp<T>(-(clipped * clipped)) * polynomial<T>(C::erfcx_terms, place);
  return select<T>(size < T(1), near, with_sign_of<T>(T(1) - rest, x));
}

}  // namespace
}  // namespace descend::DESCEND_ISA
