// What the kernels of the tall-skinny QR factorization are given and what they offer.
#pragma once

namespace descend::tsqr {

enum class Number : int { float64, float32, uint8 };

// Numbers in the caller's memory, any distance apart; steps count values.
struct Table {
  const void* data;
  Number number;
  double scale;  // multiplies uint8 values
  long columns;
  long row_step, column_step;
};

// The rows √weight · [1, x, y] of a least-squares problem, the 1 only with an intercept.
struct System {
  Table x, y, weight;   // weight: one column, data null where every row counts once
  double weight_scale;  // a power of four that brings weights to at most 1
  bool intercept;
};

// Per column of x, then of y: values are read as value · scale − shift, scale being a power of two.
struct Scaling {
  const double *scale, *shift;
};

// Sums over rows: of weights, and per column of x and y of weight · value · 2⁻⁶⁴ and the largest √weight ·
// |value|.
struct Moments {
  double* weight;
  double *sum, *peak;
};

// Columns of a block, `stride` apart. `rows` is a multiple of sixteen; rows beyond the table's are zero.
struct Block {
  double* data;
  long rows, stride;
};

// Most rows of a block, and most rows that `moments` is given at once.
inline constexpr long block_rows = 256;

// R and Qᵀy, column by column: `factored` columns of R, then `carried` ones, `factored` numbers each;
// `rest` holds the carried columns' squared lengths outside the span of the factored ones.
struct Triangle {
  long factored, carried;
  double *columns, *rest;
};

// Sums over rows of column · weight · (b − A·c), A's columns and b being values · scale, powers of two, and
// the first column 1 with an intercept; then of weight · (b − A·c)².
struct Residual {
  const double *scale, *zeros;  // per column of x, then of y; zeros: as many
  const double* coefficients;   // per target and column of A: head, tail
  double* lanes;                // per target and column of A, and once more: sixteen heads, sixteen tails
};

struct Kernels {
  void (*moments)(const System&, long first, long rows, Moments);
  void (*load)(const System&, const Scaling&, long first, long rows, Block);
  // The triangle of [triangle; block], by Householder reflections; destroys the block, whose columns before
  // `first` are zero. `scratch`: two numbers per column.
  void (*absorb)(Block, long first, Triangle, double* scratch);
  void (*residual)(const System&, const Residual&, long first, long rows, Block workspace);
};

}  // namespace descend::tsqr
