#include "program/tsqr.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "program/buffer.hpp"
#include "program/chunks.hpp"
#include "program/tree.hpp"

namespace descend::tsqr {
namespace {

using Checkpoint = std::function<void()>;

constexpr long none = std::numeric_limits<long>::max();

struct MomentSums {
  double weight = 0;
  std::vector<double> sum, peak;
  long refused = none;  // the first chunk with a value that is not finite

  bool finite() const {
    return std::all_of(sum.begin(), sum.end(), [](double value) { return std::isfinite(value); });
  }
};

// R, Qᵀy and what lies outside, of some rows.
struct Part {
  Buffer<double> columns, rest;

  Triangle triangle(long factored, long carried) { return {factored, carried, columns.data(), rest.data()}; }
};

class Factorization {
 public:
  Factorization(const System& system, long rows, const KernelTable& table)
      : system_(system),
        kernels_(table.least_squares),
        values_(system.x.columns + system.y.columns),
        factored_(system.x.columns + (system.intercept ? 1 : 0)),
        carried_(system.y.columns),
        chunks_(rows, factored_),
        shift_(static_cast<std::size_t>(values_)),
        scale_(static_cast<std::size_t>(values_)) {}

  Factored run(int threads, const Checkpoint& poll, int weight_exponent) {
    set_scaling(sum_moments(threads, poll));
    Tree<Part> tree(
        [this](long chunk, const Checkpoint& checkpoint) { return reduce(chunk, checkpoint); },
        [this](Part& left, Part& right, const Checkpoint& checkpoint) { merge(left, right, checkpoint); });
    Part part = tree.reduce(chunks_.count(), threads, poll);
    return result(part, weight_exponent);
  }

 private:
  long total() const { return factored_ + carried_; }

  MomentSums sum_moments(int threads, const Checkpoint& poll) const {
    const auto make = [this](long chunk, const Checkpoint& checkpoint) {
      const auto values = static_cast<std::size_t>(values_);
      MomentSums sums{0, std::vector<double>(values), std::vector<double>(values)};
      chunks_.for_blocks(chunk, checkpoint, [&](long first, long rows) {
        kernels_.moments(system_, first, rows, {&sums.weight, sums.sum.data(), sums.peak.data()});
      });
      if (!sums.finite()) sums.refused = chunk;
      return sums;
    };
    const auto merge = [](MomentSums& left, MomentSums& right, const Checkpoint&) {
      left.weight += right.weight;
      left.refused = std::min(left.refused, right.refused);
      for (std::size_t c = 0; c < left.sum.size(); ++c) {
        left.sum[c] += right.sum[c];
        left.peak[c] = std::max(left.peak[c], right.peak[c]);
      }
    };
    MomentSums sums = Tree<MomentSums>(make, merge).reduce(chunks_.count(), threads, poll);
    if (sums.refused != none) refuse_chunk(sums.refused);
    return sums;
  }

  // Powers of two bring every column's largest value to [1/2, 1): squares neither overflow nor vanish, and
  // no bit is lost. The mean is taken off with a single rounding.
  void set_scaling(const MomentSums& sums) {
    for (std::size_t c = 0; c < scale_.size(); ++c) {
      int exponent = 0;
      std::frexp(sums.peak[c], &exponent);
      exponent = std::clamp(exponent, -1000, 1023);
      scale_[c] = std::ldexp(1.0, -exponent);
      shift_[c] = system_.intercept ? std::ldexp(sums.sum[c] / sums.weight, 64 - exponent) : 0;
    }
  }

  Part empty() const { return {Buffer<double>(factored_ * total()), Buffer<double>(carried_)}; }

  // A block of the workspace: columns a little more than a power of two apart, which caches like better.
  struct Workspace {
    Buffer<double> data, scratch;
    Block block(long rows) { return {data.data(), (rows + 15) / 16 * 16, stride}; }
    static constexpr long stride = block_rows + 8;
  };
  Workspace workspace() const {
    return {Buffer<double>(total() * Workspace::stride), Buffer<double>(2 * total())};
  }

  Part reduce(long chunk, const Checkpoint& checkpoint) const {
    Part part = empty();
    Workspace space = workspace();
    chunks_.for_blocks(chunk, checkpoint, [&](long first, long rows) {
      const Block block = space.block(rows);
      kernels_.load(system_, {scale_.data(), shift_.data()}, first, rows, block);
      kernels_.absorb(block, 0, part.triangle(factored_, carried_), space.scratch.data());
    });
    return part;
  }

  // The right part's R is rows for the left one, its block at rows r … being zero before column r.
  void merge(Part& left, Part& right, const Checkpoint& checkpoint) const {
    Workspace space = workspace();
    for (long first = 0; first < factored_; first += block_rows) {
      const Block block = space.block(std::min(block_rows, factored_ - first));
      for (long c = first; c < total(); ++c) {
        double* column = block.data + c * block.stride;
        const long kept = std::clamp(std::min(c + 1, factored_) - first, 0L, block.rows);
        std::copy_n(right.columns.data() + c * factored_ + first, kept, column);
        std::fill(column + kept, column + block.rows, 0.0);
      }
      kernels_.absorb(block, first, left.triangle(factored_, carried_), space.scratch.data());
      checkpoint();
    }
    for (long c = 0; c < carried_; ++c) left.rest[c] += right.rest[c];
  }

  [[noreturn]] void refuse_chunk(long chunk) const {
    for (long row = chunks_.begin(chunk); row < chunks_.end(chunk); ++row)
      for (const Table* table : {&system_.x, &system_.y})
        for (long c = 0; c < table->columns; ++c)
          if (const double value = value_at(*table, row, c); !std::isfinite(value))
            throw NotFinite(table == &system_.x ? "X" : "y", row, c, value);
    throw std::runtime_error("a table changed while it was read");
  }

  static double value_at(const Table& table, long row, long column) {
    const long at = row * table.row_step + column * table.column_step;
    switch (table.number) {
      case Number::float64: return static_cast<const double*>(table.data)[at];
      case Number::float32: return static_cast<const float*>(table.data)[at];
      case Number::uint8: return static_cast<const std::uint8_t*>(table.data)[at];
    }
    return 0;
  }

  // Weights were scaled by 4^weight_exponent: their roots come back into R here.
  Factored result(Part& part, int weight_exponent) const {
    Factored out{factored_, carried_, {}, {}, {}, {}};
    for (long i = 0; i < part.columns.size(); ++i)
      out.columns.push_back(std::ldexp(part.columns[i], -weight_exponent));
    for (long c = 0; c < carried_; ++c) out.rest.push_back(std::ldexp(part.rest[c], -2 * weight_exponent));
    for (std::size_t c = 0; c < scale_.size(); ++c) {
      out.scale.push_back(1 / scale_[c]);
      out.shift.push_back(shift_[c] / scale_[c]);
    }
    return out;
  }

  const System system_;
  const Kernels& kernels_;
  const long values_, factored_, carried_;
  const Chunks chunks_;
  std::vector<double> shift_, scale_;
};

}  // namespace

NotFinite::NotFinite(const char* table, long row, long column, double value)
    : std::invalid_argument(std::string(table) + "[" + std::to_string(row) + ", " + std::to_string(column) +
                            "] is " +
                            (std::isnan(value) ? "nan"
                             : value < 0       ? "-inf"
                                               : "inf")) {}

Factored factorize(System system, long rows, double greatest, const KernelTable& table, int threads,
                   const std::function<void()>& poll) {
  FloatingPointScope rounding;
  int half = 0;  // weights · 4^half are at most 1
  if (system.weight.data) {
    std::frexp(greatest, &half);
    half = std::min(-((half + 1) / 2), 500);
  }
  system.weight_scale = std::ldexp(1.0, 2 * half);
  return Factorization(system, rows, table).run(threads, poll, half);
}

}  // namespace descend::tsqr
