// The rounding mode a kernel counts on, for as long as the scope lasts.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace descend {

// Round to nearest, keep subnormals, trap nothing; whatever another library set is restored.
class FloatingPointScope {
 public:
  FloatingPointScope() : before_(read()) { write(standard); }
  ~FloatingPointScope() { write(before_); }
  FloatingPointScope(const FloatingPointScope&) = delete;
  FloatingPointScope& operator=(const FloatingPointScope&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr std::uint64_t standard = 0x1f80;  // all exceptions masked, the rest 0
  static std::uint64_t read() { return _mm_getcsr(); }
  static void write(std::uint64_t word) { _mm_setcsr(static_cast<unsigned>(word)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t standard = 0;
  static std::uint64_t read() {
    std::uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(std::uint64_t word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
#else
#error "descend's native engine knows x86-64 and aarch64"
#endif
  std::uint64_t before_;
};

}  // namespace descend
