#include "algorithms/winograd/winograd.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> winograd_algorithm() {
    return combining_algorithm<T, Winograd<T>>("winograd");
}

template Algorithm<float> winograd_algorithm();
template Algorithm<double> winograd_algorithm();

}  // namespace tconv::TCONV_TARGET
