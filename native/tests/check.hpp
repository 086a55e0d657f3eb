// Just enough of a test framework: a list of cases, and a check that says where it failed.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace descend::tests {

struct Case {
  const char* name;
  std::function<void()> body;
};

std::vector<Case>& cases();

struct Register {
  Register(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

inline void check(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

}  // namespace descend::tests
