#include "dispatch/dispatch.hpp"

namespace descend {

namespace generic {
extern const KernelTable table;
}
#if defined(__x86_64__)
namespace x86_64_v3 {
extern const KernelTable table;
}
namespace x86_64_v3_wide {
extern const KernelTable table;
}
namespace x86_64_v4 {
extern const KernelTable table;
}
#elif defined(__aarch64__)
namespace neon {
extern const KernelTable table;
}
#endif

namespace {

bool always() { return true; }

#if defined(__x86_64__)
// These look at what the operating system saves, too, not at CPUID alone.
bool has_v3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

bool has_v4() {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

struct Entry {
  const char* name;
  const KernelTable* table;
  bool (*usable)();
  bool automatic;
};

// Best first.
constexpr Entry entries[] = {
#if defined(__x86_64__)
    {"x86-64-v4", &x86_64_v4::table, has_v4, true},
    {"x86-64-v3", &x86_64_v3::table, has_v3, true},
    // v4's vector length on v3's registers: lets a machine without AVX-512 test that code.
    {"x86-64-v3-wide", &x86_64_v3_wide::table, has_v3, false},
#elif defined(__aarch64__)
    {"neon", &neon::table, always, true},
#endif
    {"generic", &generic::table, always, true},
};

constexpr const char* known_names[] = {"generic", "x86-64-v3", "x86-64-v4", "neon"};

}  // namespace

const KernelTable& choose_kernels(const std::string& name) {
  for (const Entry& entry : entries) {
    if (name.empty() ? !(entry.automatic && entry.usable()) : name != entry.name) continue;
    if (entry.usable()) return *entry.table;
    throw Unavailable("this machine has no " + name);
  }
  std::string names;
  for (const char* known : known_names) {
    if (name == known) throw Unavailable("this build has no kernels for " + name);
    names += (names.empty() ? "" : ", ") + std::string(known);
  }
  throw std::invalid_argument("unknown instruction set '" + name + "'; choices: " + names);
}

std::vector<std::string> usable_kernels() {
  std::vector<std::string> names;
  for (const Entry& entry : entries)
    if (entry.automatic && entry.usable()) names.emplace_back(entry.name);
  return names;
}

}  // namespace descend
