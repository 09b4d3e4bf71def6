#!/bin/sh
#
# Two maps by workers that stay, as those of a pool do in Python:
#
#   with Pool(4) as pool:
#       sums = pool.starmap(add, pairs, chunksize=5)
#       products = pool.starmap(product, pairs, chunksize=5)
#       print(sum(sums), sum(products))
#
#   keep-workers.sh [WORKERS]     4 of them if nothing is said
#
# A worker reads pairs and prints a line for each. What stands before its loop is done once by
# each worker, not once for each chunk: the initializer of a pool. Standard error tells which
# worker takes which pairs, and names the same few process IDs again and again.
set -eu
workers=${1:-4}
examples=$(cd "$(dirname "$0")" && pwd)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
seq 1 40 >a
seq 41 80 >b
paste a b >pairs

# shellcheck disable=SC2016 # the shell of the worker expands it
pmap --persistent -v -j "$workers" -c5 -s '
    sum() { echo $(($1 + $2)); }
    while read -r x y; do sum "$x" "$y"; done
' <pairs >sums

# This one is slow to start, since it is Python and imports something.
pmap --persistent -v -j "$workers" -c5 "$examples/product.py" <pairs >products

echo "sum of the sums: $(($(paste -sd+ sums)))"
echo "sum of the products: $(($(paste -sd+ products)))"
