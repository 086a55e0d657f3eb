#include "program/residual.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/check.hpp"

namespace descend::tests {
namespace {

constexpr long columns = 7, targets = 2, all = columns + 1;

// Values that repeat after a long while, between −1 and 1; exact in every build.
std::vector<double> values(long count, std::uint64_t state) {
  std::vector<double> out(static_cast<std::size_t>(count));
  for (double& value : out) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<double>(static_cast<std::int64_t>(state >> 11)) * 0x1p-52 - 1;
  }
  return out;
}

struct Problem {
  long rows;
  std::vector<double> x = values(rows * columns, 1), y = values(rows * targets, 2), weight = values(rows, 3);
  std::vector<double> scale = std::vector<double>(columns + targets, 1.0);
  std::vector<double> coefficients = values(targets * all * 2, 4);

  explicit Problem(long n) : rows(n) {
    for (double& value : weight) value = value < -0.8 ? 0 : value + 1;
    for (std::size_t i = 1; i < coefficients.size(); i += 2) coefficients[i] *= 0x1p-60;
  }

  std::vector<double> solve(const std::string& set, int threads) const {
    const tsqr::System system{{x.data(), tsqr::Number::float64, 1, columns, columns, 1},
                              {y.data(), tsqr::Number::float64, 1, targets, targets, 1},
                              {weight.data(), tsqr::Number::float64, 1, 1, 1, 1},
                              0.25,
                              true};
    return tsqr::normal_residual(system, rows, scale.data(), coefficients.data(), choose_kernels(set),
                                 threads, [] {});
  }
};

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

const Register sums{
    "residual: heads are the sums", [] {
      const Problem problem(300);
      const std::vector<double> found = problem.solve("", 2);
      for (long t = 0; t < targets; ++t)
        for (long c = 0; c < all; ++c) {
          double sum = 0;
          for (long row = 0; row < problem.rows; ++row) {
            const auto value = [&](long column) {
              return column ? problem.x[static_cast<std::size_t>(row * columns + column - 1)] : 1.0;
            };
            double rest = problem.y[static_cast<std::size_t>(row * targets + t)];
            for (long j = 0; j < all; ++j)
              rest -= value(j) * problem.coefficients[static_cast<std::size_t>(2 * (t * all + j))];
            sum += value(c) * rest * problem.weight[static_cast<std::size_t>(row)] / 4;
          }
          const double head = found[static_cast<std::size_t>(2 * (t * (all + 1) + c))];
          check(std::abs(head - sum) < 1e-12, "a sum is off");
        }
    }};

const Register threads{"residual: one result over threads, remainders included", [] {
                         for (long rows : {1L, 17L, 4096L, 4097L, 30'011L}) {
                           const Problem problem(rows);
                           const std::vector<double> one = problem.solve("", 1);
                           for (int number : {2, 3, 4, 7})
                             check(same(one, problem.solve("", number)), "other bits");
                         }
                       }};

const Register across_sets{"residual: one result on every fused instruction set", [] {
                             const Problem problem(9'001);
                             std::vector<std::string> names = usable_kernels();
                             std::erase(names, "generic");
                             if (names.empty()) return;
                             const std::vector<double> one = problem.solve(names.front(), 2);
                             if (names.front() != "neon") names.push_back("x86-64-v3-wide");
                             for (const std::string& name : names)
                               check(same(one, problem.solve(name, 2)), name + ": other bits");
                           }};

}  // namespace
}  // namespace descend::tests
