#!/bin/bash
# Does training on more characters carry over to unseen ones? Everything, in order; what is finished
# is skipped, so the same command goes on after a kill, and a second start beside it does no harm.
#
#   experiments/generalization/run.sh              all: the people, then every cell, then the page
#   experiments/generalization/run.sh cells        the cells, one a line: method, characters, seed
#   experiments/generalization/run.sh pool         the people: 1,024 to train on, 60 held out
#   experiments/generalization/run.sh cell 3       one cell, by its number from 0
#   experiments/generalization/run.sh references   the same questions to the untrained base and the teacher
#   experiments/generalization/run.sh compare      the project's own comparison of the cells of seed 1
#   experiments/generalization/run.sh page         table, plot and verdict, of the cells there are
#   sbatch experiments/generalization/cells.sbatch    the cells on SLURM; see there
#
# RUNS=, RESULTS= are folders (absolute, or below the repository), TOKENS= the tokens of each training,
# SEEDS="1 2 3", THREADS= of the CPU. DRY=1 prints the commands of the stages and does nothing.
# A trial of minutes: PEOPLE="8 3" NUMBERS="4 1" SEEDS=1 TOKENS=12000 RUNS=/tmp/try RESULTS=/tmp/try/results
set -euo pipefail
cd "$(dirname "$0")/../.."
here=experiments/generalization
runs=${RUNS:-runs/generalization}
results=${RESULTS:-$here/results}
tokens=${TOKENS:-340000}
threads=${THREADS:-1}
python=${OPENCHARACTER_PYTHON:-python}
read -r -a people <<< "${PEOPLE:-1024 60}" # to train on, held out
export OMP_NUM_THREADS=$threads

# Ends and middle of the curve first, so that a grid that is cut short still has a curve.
cells() {
  local seed method n
  for seed in ${SEEDS:-1 2 3}; do
    for method in generate rewrite; do
      for n in ${NUMBERS:-1024 1 16 256 4 64}; do echo "$method $n $seed"; done
    done
  done
}

stage() { # name of the stage, run, overrides ...
  local command=("$python" -m opencharacter "stage=$1" "run=$2" "runs_dir=$runs" experiment=generalization "${@:3}")
  if [ -n "${DRY:-}" ]; then printf '%s ' "${command[@]}"; echo; return; fi
  "${command[@]}"
}

make_people() {
  if [ -z "${DRY:-}" ]; then
    mkdir -p "$runs"
    "$python" -m experiments.generalization.personas "${people[@]}" "$runs/personas.txt.$$"
    mv "$runs/personas.txt.$$" "$runs/personas.txt"
  fi
  local from=(personas=file "personas.path=$runs/personas.txt" personas.heldout=0.05 personas.licence=Apache-2.0)
  stage personas pool "${from[@]}"
  stage profiles pool "${from[@]}" "teacher.threads=$threads"
}

copy_people() { # run: personas and profiles of the pool, whole or not at all
  if [ -n "${DRY:-}" ] || [ -d "$runs/$1/profiles" ]; then return; fi
  local new=$runs/.$1.$$
  mkdir -p "$new"
  cp -r "$runs/pool/personas" "$runs/pool/profiles" "$new"
  mv -T "$new" "$runs/$1" || rm -rf "$new" # somebody else was first
}

cell() { # method, characters, seed
  local method=$1 n=$2 seed=$3 run=$1-$2-s$3 sources each epochs
  # Rewriting needs answers to rewrite, and nobody has answered the interviews. 26 and 19 characters
  # an instruction give about 1,040 dialogues as soon as there are so many characters.
  case $method in
    generate) sources=embedded/interviews each=26 ;;
    rewrite) sources=embedded each=19 ;;
  esac
  local draw=("seed=$seed" "synth.n_characters=$((n < each ? n : each))" "synth.pool=$n")
  local asked=(suite=profile_facts "suite.run=$run" llm@player=trained "player.run=$run" "player.threads=$threads")
  copy_people "$run"
  stage instructions "$run" "seed=$seed" "instructions.paths=[$sources]"
  stage "$method" "$run" "${draw[@]}" "teacher.threads=$threads"
  stage mix "$run" "seed=$seed" "mix.methods=[$method]"
  stage tokenize "$run" "seed=$seed"
  epochs=EPOCHS
  if [ -z "${DRY:-}" ]; then epochs=$("$python" -m experiments.generalization.equal "$runs/$run" "$tokens"); fi
  stage train "$run" "seed=$seed" "train.epochs=$epochs"
  stage eval "$run-out" "${asked[@]}" suite.who=heldout
  stage eval "$run" "${asked[@]}" suite.who=trained "suite.n=$((n < 60 ? n : 60))" "report.runs=[$run-out]"
  if [ -z "${DRY:-}" ]; then
    written "$results/cells/$run.json" "$runs/$run-out" "$runs/$run" --tokens "$tokens"
  fi
}

written() { "$python" -m experiments.generalization.cell "$@"; }

# What no training here can be below or above for long; the people are those of a cell, all are the same.
references() {
  local each first asked
  read -r -a first < <(cells)
  asked=(suite=profile_facts "suite.run=${first[0]}-${first[1]}-s${first[2]}" suite.who=heldout "player.threads=$threads")
  for each in base:embedded_base teacher:embedded; do
    stage eval "${each%%:*}-out" "${asked[@]}" "player.model=${each#*:}"
    if [ -z "${DRY:-}" ]; then written "$results/references/${each%%:*}.json" "$runs/${each%%:*}-out"; fi
  done
}

compare() { # unseen characters, every number of characters of seed 1, paired by question
  local method n outs
  for method in generate rewrite; do
    outs=
    for n in 1 4 16 64 256 1024; do
      if [ -e "$results/cells/$method-$n-s1.json" ]; then outs+=${outs:+,}$method-$n-s1-out; fi
    done
    case $outs in *,*) stage compare "compared-$method" "compare.runs=[$outs]" ;; esac
  done
}

one() { # method, characters, seed: skipped where it is finished, or somebody is at it
  local run=$1-$2-s$3
  if [ -n "${DRY:-}" ]; then cell "$@"; return; fi
  if [ -e "$results/cells/$run.json" ]; then echo "$run: finished already"; return; fi
  mkdir -p "$runs"
  (
    flock -n 9 || { echo "$run: another process is at it"; exit 0; }
    echo "$run: $(date '+%F %T')"
    cell "$@"
  ) 9> "$runs/.$run.lock"
}

# Each in a process of its own: one that fails does not keep the others from being done.
all_cells() {
  local k status n_cells failed=()
  n_cells=$(cells | wc -l)
  for ((k = 0; k < n_cells; k++)); do
    status=0
    $here/run.sh cell "$k" < /dev/null || status=$?
    if [ "$status" -eq 85 ] || [ "$status" -ge 128 ]; then exit "$status"; fi # stopped on request
    if [ "$status" -ne 0 ]; then failed+=("$k"); fi
  done
  if [ ${#failed[@]} -gt 0 ]; then
    echo "cells that failed, each with its reason above: ${failed[*]}" >&2
    exit 1
  fi
}

case ${1:-all} in
  cells) cells ;;
  pool) make_people ;;
  cell)
    readarray -t listed < <(cells)
    read -r -a chosen <<< "${listed[$2]}"
    one "${chosen[@]}"
    ;;
  references) references ;;
  compare) compare ;;
  page) "$python" -m experiments.generalization.page "$results" ;;
  all)
    make_people
    all_cells
    references
    compare
    if [ -z "${DRY:-}" ]; then "$python" -m experiments.generalization.page "$results"; fi
    ;;
  *) echo "usage: $0 [all|cells|pool|cell NUMBER|page]" >&2; exit 2 ;;
esac
