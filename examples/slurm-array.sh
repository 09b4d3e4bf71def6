#!/bin/bash
#SBATCH --job-name=wordcount
#SBATCH --nodes=1 --ntasks=1 --cpus-per-task=2
#
# Counts the words of all files below a folder in the tasks of a Slurm job array.
#
#   job=$(sbatch --parsable --array=0-9 slurm-array.sh TEXTS RESULT)
#   sbatch --dependency=afterok:$job --wrap 'wcreduce -m RESULT/*.counts >RESULT/counts'
#
# Each task takes every tenth file, and the second job merges what they counted. No program has to
# last as long as the whole job, and Slurm starts ten tasks instead of a step for each chunk. But
# a task that fails begins anew. To run one of the ten again, say so:
#
#   TASKS=10 sbatch --array=3 slurm-array.sh TEXTS RESULT
#
# TEXTS and the folder RESULT are on a file system that all nodes share, and pmap, wordsplit
# and wcreduce are on PATH there, before any other pmap.
set -euo pipefail
export LC_ALL=C
if [ $# -ne 2 ] || [ -z "${SLURM_ARRAY_TASK_ID-}" ]; then
    echo "usage: sbatch --array=0-9 slurm-array.sh TEXTS RESULT" >&2
    exit 2
fi
mkdir -p "$2"
counts=$2/$SLURM_ARRAY_TASK_ID.counts

# A file name with a newline would be two.
find "$1" -type f | sort |
    awk -v n="${TASKS:-$SLURM_ARRAY_TASK_COUNT}" -v id="$SLURM_ARRAY_TASK_ID" 'NR % n == id % n' |
    pmap -j "$SLURM_CPUS_PER_TASK" -c5 wordsplit | wcreduce -u >"$counts.new"
mv "$counts.new" "$counts"
