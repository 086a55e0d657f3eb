#include "program/tsqr.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "tests/check.hpp"

namespace descend::tests {
namespace {

constexpr long columns = 37;  // several panels

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
  std::vector<double> x = values(rows * columns, 1), y = values(rows, 2), weight = values(rows, 3);

  explicit Problem(long n) : rows(n) {
    for (double& value : weight) value = value < -0.8 ? 0 : value + 1;
  }

  tsqr::System system() const {
    return {{x.data(), tsqr::Number::float64, 1, columns, columns, 1},
            {y.data(), tsqr::Number::float64, 1, 1, 1, 1},
            {weight.data(), tsqr::Number::float64, 1, 1, 1, 1},
            1,
            true};
  }

  tsqr::Factored solve(const std::string& set, int threads, const std::function<void()>& poll = [] {}) const {
    return tsqr::factorize(system(), rows, 2, choose_kernels(set), threads, poll);
  }
};

// FNV-1a over the bytes of everything in the result.
std::uint64_t digest(const tsqr::Factored& result) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const auto* part : {&result.columns, &result.rest, &result.shift, &result.scale})
    for (const double& value : *part) {
      unsigned char bytes[sizeof value];
      std::memcpy(bytes, &value, sizeof value);
      for (unsigned char byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
    }
  return hash;
}

// The bits every machine with fused multiply-add must reach: these were reached with AVX2 and with NEON.
constexpr std::uint64_t known = 15978332819029755170u;

const Register normal_equations{
    "tsqr: R and Q'y satisfy the normal equations", [] {
      const Problem problem(4'500);
      const tsqr::Factored out = problem.solve("", 2);
      constexpr long q = columns + 1;
      const auto entry = [&](long row, long column) {
        return out.columns[static_cast<std::size_t>(column * q + row)];
      };
      const auto value = [&](long row, long column) {
        if (column == 0) return 1.0;
        const auto c = static_cast<std::size_t>(column - 1);
        const double raw = column == q ? problem.y[static_cast<std::size_t>(row)]
                                       : problem.x[static_cast<std::size_t>(row * columns) + c];
        return (raw - out.shift[c]) / out.scale[c];
      };
      for (long i = 0; i < q; ++i)
        for (long j = i; j <= q; ++j) {
          double product = 0, sum = 0;
          for (long k = 0; k <= i; ++k) product += entry(k, i) * entry(k, j);
          for (long row = 0; row < problem.rows; ++row)
            sum += problem.weight[static_cast<std::size_t>(row)] * value(row, i) * value(row, j);
          check(std::abs(product - sum) < 1e-9, "a product of columns is off");
        }
    }};

const Register threads{"tsqr: one result over threads, remainders included", [] {
                         for (long rows : {38L, 57L, 4096L, 4097L, 30'011L}) {
                           const Problem problem(rows);
                           const std::uint64_t one = digest(problem.solve("", 1));
                           for (int number : {2, 3, 4, 7})
                             check(one == digest(problem.solve("", number)), "other bits");
                         }
                       }};

const Register across_sets{"tsqr: the known bits on every fused instruction set", [] {
                             const Problem problem(9'001);
                             std::vector<std::string> names = usable_kernels();
                             std::erase(names, "generic");
                             if (!names.empty() && names.front() != "neon") names.push_back("x86-64-v3-wide");
                             for (const std::string& name : names) {
                               const std::uint64_t found = digest(problem.solve(name, 2));
                               check(found == known, name + ": other bits " + std::to_string(found));
                             }
                           }};

const Register abandoned{"tsqr: what the poll throws ends the work", [] {
                           const Problem problem(200'000);
                           for (int threads : {1, 2, 4}) {
                             int calls = 0;
                             bool thrown = false;
                             try {
                               problem.solve("", threads, [&] {
                                 if (++calls == 1) throw std::runtime_error("enough");
                               });
                             } catch (const std::runtime_error& error) {
                               thrown = std::string(error.what()) == "enough";
                             }
                             check(thrown && calls == 1, "it went on");
                           }
                         }};

const Register places{"tsqr: the first value that is not finite is named", [] {
                        Problem problem(20'000);
                        problem.x[9'000 * columns + 3] = HUGE_VAL;
                        problem.x[15'000 * columns + 1] = std::nan("");
                        for (int threads : {1, 4}) {
                          std::string message;
                          try {
                            problem.solve("", threads);
                          } catch (const tsqr::NotFinite& error) {
                            message = error.what();
                          }
                          check(message == "X[9000, 3] is inf", "message: " + message);
                        }
                      }};

}  // namespace
}  // namespace descend::tests
