"""Numbers of torch, NumPy, pandas and CPython for RandomTests.swift: run it and compare.

    python make_random.py
"""
import random, json
import numpy as np, pandas as pd, torch
out={}
torch.manual_seed(7)
out["linear_67"]=[(lambda l:(l.weight.flatten().tolist()[:3]+l.weight.flatten().tolist()[-2:], l.bias.tolist()))(torch.nn.Linear(67,1))]
out["linear_512_sum"]=(lambda l:(l.weight.double().sum().item(), l.bias.item()))(torch.nn.Linear(512,1))
out["randint_268435455"]=torch.randint(0,268435455,(3,)).tolist()
out["randint_268435457"]=torch.randint(0,268435457,(3,)).tolist()
out["perm5"]=torch.randperm(5).tolist()
out["perm0"]=torch.randperm(0).tolist(); out["perm1"]=torch.randperm(1).tolist()
out["rand"]=torch.rand(2).tolist()
random.seed(-(2**40+5)); out["py_big_seed"]=[random.getrandbits(50), random.getrandbits(32), random.getrandbits(5)]
random.seed(0); out["py0"]=[random.random(), random.sample(range(10**9),3), random.sample(range(30),6), random.sample(range(86),6), random.sample(range(85),6)]
out["np_big"]=[int(x) for x in np.random.default_rng(2**40+5).bit_generator.random_raw(2)]
r=np.random.default_rng(3); x=list(range(1)); r.shuffle(x); y=list(range(17)); r.shuffle(y); out["np_shuffle17"]=y
rs=np.random.RandomState(5); out["rs_choice"]=[rs.choice(list(range(100,120)),6,replace=False).tolist(), rs.permutation(7).tolist()]
out["pd"]=pd.DataFrame({"x":range(33)}).sample(5,random_state=9)["x"].tolist()
print(json.dumps(out,indent=0))
