#include "algorithms/winograd/positions.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> winograd_algorithm() {
    return combining_algorithm<T, winograd::position_lanes::WinogradRecipe<T>>("winograd");
}

template Algorithm<float> winograd_algorithm();
template Algorithm<double> winograd_algorithm();

}  // namespace tconv::TCONV_TARGET
