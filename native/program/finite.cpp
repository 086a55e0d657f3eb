#include "program/finite.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace descend {

// NaN and the infinities have all bits of the exponent set, and only those carry into the sign's place when
// the exponent's last bit is added: integers alone, so that no rounding mode matters and any vector unit
// helps.
template <class T>
bool all_finite(const T* values, long count) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits sign = Bits{1} << (8 * sizeof(T) - 1);
  constexpr Bits exponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  Bits carried = 0;
  for (long i = 0; i < count; ++i) carried |= (std::bit_cast<Bits>(values[i]) & ~sign) + (sign - exponent);
  return (carried & sign) == 0;
}

template bool all_finite(const float*, long);
template bool all_finite(const double*, long);

}  // namespace descend
