#include "algorithms/strassen.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> strassen_algorithm() {
    return combining_algorithm<T, strassen::StrassenRecipe<T>>("strassen");
}

template Algorithm<float> strassen_algorithm();
template Algorithm<double> strassen_algorithm();

}  // namespace tconv::TCONV_TARGET
