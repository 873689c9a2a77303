#include "algorithms/strassen.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> strassen_algorithm() {
    return combining_algorithm<T, Strassen<T>>("strassen");
}

template Algorithm<float> strassen_algorithm();
template Algorithm<double> strassen_algorithm();

}  // namespace tconv::TCONV_TARGET
