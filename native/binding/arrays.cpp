#include "binding/arrays.hpp"

#include <algorithm>
#include <cstdint>

namespace descend::binding {

std::string text(const std::vector<long>& shape) {
  std::string inside;
  for (long size : shape) inside += (inside.empty() ? "" : ", ") + std::to_string(size);
  return "(" + inside + (shape.size() == 1 ? ",)" : ")");
}

void refuse(const std::string& message) { throw nb::value_error(message.c_str()); }

void check_layout(const Array& array, const char* name) {
  if (array.size() == 0) return;
  std::int64_t stride = 1;
  for (std::size_t i = array.ndim(); i-- > 0;) {
    if (array.shape(i) > 1 && array.stride(i) != stride) refuse(std::string(name) + " is not C-contiguous");
    stride *= static_cast<std::int64_t>(array.shape(i));
  }
  if (reinterpret_cast<std::uintptr_t>(array.data()) % array.itemsize() != 0)
    refuse(std::string(name) + " is not aligned");
}

Result<double> copied(const std::vector<double>& values) {
  const Fresh<double> result = fresh<double>({values.size()});
  std::copy(values.begin(), values.end(), result.data);
  return result.array;
}

}  // namespace descend::binding
