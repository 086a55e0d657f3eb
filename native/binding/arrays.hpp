// NumPy arrays in and out: every claim the engine relies on is checked here.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <string>
#include <vector>

namespace descend::binding {

namespace nb = nanobind;

using Array = nb::ndarray<nb::ro, nb::device::cpu>;
// A C-contiguous array of the caller's to write to; nothing is converted on the way.
template <class T>
using Writable = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <class T>
using Result = nb::ndarray<nb::numpy, T>;

// Raises ValueError in Python.
[[noreturn]] void refuse(const std::string& message);
std::string text(const std::vector<long>& shape);

template <class A>
void check_shape(const A& array, const char* name, const std::vector<long>& shape) {
  bool same = array.ndim() == shape.size();
  for (std::size_t i = 0; same && i < shape.size(); ++i) same = static_cast<long>(array.shape(i)) == shape[i];
  if (same) return;
  std::vector<long> found;
  for (std::size_t i = 0; i < array.ndim(); ++i) found.push_back(static_cast<long>(array.shape(i)));
  refuse(std::string(name) + " has shape " + text(found) + ", expected " + text(shape));
}
void check_layout(const Array& array, const char* name);

template <class T>
bool holds(const Array& array) {
  return array.dtype() == nb::dtype<T>();
}

// The data of a C-contiguous array of T with that shape.
template <class T>
const T* checked(const Array& array, const char* name, const std::vector<long>& shape) {
  check_shape(array, name, shape);
  if (!holds<T>(array)) refuse(std::string(name) + " has the wrong dtype");
  check_layout(array, name);
  return static_cast<const T*>(array.data());
}

// A new array that owns its memory.
template <class T>
struct Fresh {
  T* data;
  Result<T> array;
};

template <class T>
Fresh<T> fresh(const std::vector<std::size_t>& shape) {
  std::size_t count = 1;
  for (std::size_t size : shape) count *= size;
  std::unique_ptr<T[]> memory(new T[count]);
  T* data = memory.get();
  nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
  static_cast<void>(memory.release());
  return {data, Result<T>(data, shape.size(), shape.data(), owner)};
}

Result<double> copied(const std::vector<double>& values);

}  // namespace descend::binding
