// The kernels of one instruction set as a table. Compiled once per set, DESCEND_ISA being its name.
#include "kernels/loss.hpp"
#include "kernels/sparse.hpp"
#include "kernels/tsqr.hpp"

namespace descend::DESCEND_ISA {
namespace {

template <class T>
void tabulate(Function function, const T* in, T* out, long count) {
  for (long k = 0; k < count; k += lanes<T>) {
    const Vector<T> x = load_before(in, k, count);
    Vector<T> y = {};
    switch (function) {
      case Function::exp: y = exp<T>(x); break;
      case Function::log: y = log<T>(x); break;
      case Function::log1p: y = log1p<T>(x); break;
      case Function::tanh: y = tanh<T>(x); break;
      case Function::erf: y = erf<T>(x); break;
    }
    for (long lane = 0; lane < lanes<T> && k + lane < count; ++lane) out[k + lane] = y[lane];
  }
}

template <class T>
double saturate(long rounds) {
  constexpr int chains = 2 * tile_rows;  // as many registers as a tile has
  Vector<T> sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = splat(static_cast<T>(i));
  Vector<T> factor = splat(T(0.999)), term = splat(T(0.001));
  for (long round = 0; round < rounds; ++round) {
#pragma GCC unroll 24
    for (int i = 0; i < chains; ++i) sum[i] = fma(sum[i], factor, term);
  }
  // What is never read would never be computed.
  for (int i = 0; i < chains; ++i) __asm__ volatile("" : : "m"(sum[i]));
  return 2.0 * chains * static_cast<double>(lanes<T> * rounds);
}

template <class T>
constexpr Kernels<T> kernels{narrow_block<T>, read_rows<T>,   dropout<T>,      dense<T>,
                             dense_table<T>,  list_filled<T>, dense_filled<T>, dense_rows_filled<T>,
                             activate<T>,     loss<T>,        inverse_link<T>, propagate<T>,
                             learn_table<T>,  apply_table<T>, tabulate<T>,     saturate<T>};

}  // namespace

extern const KernelTable table;
constinit const KernelTable table{DESCEND_ISA_NAME, tile_rows,       words,
                                  kernels<float>,   kernels<double>, tall::kernels};

}  // namespace descend::DESCEND_ISA
