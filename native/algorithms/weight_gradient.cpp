#include "algorithms/weight_gradient.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
void weight_gradient(const Layer& layer, const Shape& shape, const T* x, const T* y, T* weight,
                     const Parallel& parallel) {
    Gradient<T>(layer, shape, x, y, weight).run(parallel);
}

template void weight_gradient(const Layer&, const Shape&, const float*, const float*, float*,
                              const Parallel&);
template void weight_gradient(const Layer&, const Shape&, const double*, const double*, double*,
                              const Parallel&);

}  // namespace tconv::TCONV_TARGET
