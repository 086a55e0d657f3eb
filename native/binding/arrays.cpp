#include "binding/arrays.hpp"

#include <algorithm>
#include <cstdint>

namespace descend::binding {
namespace {

std::string text(const std::vector<long>& shape) {
  std::string inside;
  for (long size : shape) inside += (inside.empty() ? "" : ", ") + std::to_string(size);
  return "(" + inside + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

void refuse(const std::string& message) { throw nb::value_error(message.c_str()); }

void check_shape(const Array& array, const char* name, const std::vector<long>& shape) {
  std::vector<long> found;
  for (std::size_t i = 0; i < array.ndim(); ++i) found.push_back(static_cast<long>(array.shape(i)));
  if (found != shape) refuse(std::string(name) + " has shape " + text(found) + ", expected " + text(shape));
}

void check_layout(const Array& array, const char* name) {
  std::int64_t stride = 1;
  for (std::size_t i = array.ndim(); i-- > 0;) {
    if (array.shape(i) == 0) return;
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
