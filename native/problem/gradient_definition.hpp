// The weight gradient by its definition: products that exist, and none with the zeros of a padding.
#pragma once

#include "api.hpp"

namespace tconv {

// gradient[k] = sum of x[i]·y[i·s + k·d - crop] over the batch and the positions of both: for x and y
// that are not finite, where a product with a zero is none. Slow.
template <class T>
void gradient_by_definition(const Layer& layer, const Shape& shape, const T* x, const T* y,
                            T* gradient, const Parallel& parallel);

}  // namespace tconv
