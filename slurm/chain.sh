#!/bin/bash
# Submit a whole run: personas and instructions, then profiles, then rewrite and generate, then mix,
# and with TRAIN_NODES= tokenize and train, each when what it reads is finished. Prints the job ids.
#
#   SBATCH_PARTITION=gpu ARRAY=0-15 GPUS=1 METHODS="generate rewrite" slurm/chain.sh run=big llm@teacher=llama3_8b_instruct
#
# ARRAY and GPUS are for the stages that ask a model; MIX_GPUS=1 is for a mixture whose axes have a
# classifier. sbatch reads SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT and the like itself.
# TRAIN_NODES=2 TRAIN_GPUS=8 are for the training: 2 nodes with 8 GPUs each; TRAIN_GPUS=0 is a task a
# node on its CPU.
# `slurm=cluster` of the command line does the same in Python.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p logs

submit() { # stage, jobs to wait for (a:b, or nothing), options of sbatch ...
  local stage=$1 after=$2
  shift 2
  sbatch --parsable --job-name="$stage" ${after:+--dependency=afterok:$after --kill-on-invalid-dep=yes} "$@" \
    "$here/$batch" "${overrides[@]}" "stage=$stage"
}

overrides=("$@")
batch=synth.sbatch
model=(--array="${ARRAY:-0-7}")
if [ "${GPUS:-1}" -gt 0 ]; then model+=(--gpus-per-node="${GPUS:-1}"); fi
personas=$(submit personas "")
instructions=$(submit instructions "")
profiles=$(submit profiles "$personas" "${model[@]}")
made=()
for method in ${METHODS:-generate}; do
  made+=("$(submit "$method" "$profiles:$instructions" "${model[@]}")")
done
mix=$(submit mix "$(IFS=:; echo "${made[*]}")" ${MIX_GPUS:+--gpus-per-node="$MIX_GPUS"})
trained=
if [ -n "${TRAIN_NODES:-}" ]; then
  gpus=${TRAIN_GPUS:-8}
  tokenize=$(submit tokenize "$mix")
  batch=train.sbatch
  ranks=(--nodes="$TRAIN_NODES" --ntasks-per-node="$((gpus > 0 ? gpus : 1))")
  if [ "$gpus" -gt 0 ]; then ranks+=(--gpus-per-node="$gpus"); fi
  train=$(submit train "$tokenize" "${ranks[@]}")
  trained=", tokenize $tokenize, train $train"
fi
echo "personas $personas, instructions $instructions, profiles $profiles, ${METHODS:-generate} ${made[*]}, mix $mix$trained"
