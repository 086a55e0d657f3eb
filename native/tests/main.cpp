#include <cstdio>
#include <exception>

#include "tests/check.hpp"

namespace descend::tests {

std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

}  // namespace descend::tests

int main() {
  int failed = 0;
  for (const auto& test : descend::tests::cases()) {
    try {
      test.body();
      std::printf("ok      %s\n", test.name);
    } catch (const std::exception& error) {
      std::printf("FAILED  %s: %s\n", test.name, error.what());
      ++failed;
    }
  }
  return failed ? 1 : 0;
}
