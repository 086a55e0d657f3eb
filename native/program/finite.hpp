// Whether values are finite, which every one of a caller's must be.
#pragma once

namespace descend {

// values: `count` of them, aligned.
template <class T>
bool all_finite(const T* values, long count);

}  // namespace descend
