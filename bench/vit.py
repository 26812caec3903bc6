"""The plain loop of VitGradient.cs in Python, on the libtorch that python3-torch uses: same sizes, threads, BLAS and settings."""
import math, statistics, sys, time
import torch
from torch import nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, w, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(w), nn.LayerNorm(w)
        self.in_proj, self.out_proj = nn.Linear(w, 3 * w), nn.Linear(w, w)
        self.c_fc, self.c_proj = nn.Linear(w, 4 * w), nn.Linear(4 * w, w)
        self.heads = heads

    def attention(self, x):
        n, t, w = x.shape
        q, k, v = self.in_proj(x).view(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        a = torch.softmax((q * (w // self.heads) ** -0.5) @ k.transpose(-2, -1), dim=-1)
        return self.out_proj((a @ v).transpose(1, 2).reshape(n, t, w))

    def forward(self, x):
        x = x + self.attention(self.ln_1(x))
        h = self.c_fc(self.ln_2(x))
        return x + self.c_proj(h * torch.sigmoid(1.702 * h))


class Tower(nn.Module):
    def __init__(self, w=768, layers=12, heads=12, patch=32, side=224, dim=512):
        super().__init__()
        self.conv1 = nn.Conv2d(3, w, patch, patch, bias=False)
        self.cls = nn.Parameter(torch.randn(w) * w ** -0.5)
        self.pos = nn.Parameter(torch.randn((side // patch) ** 2 + 1, w) * w ** -0.5)
        self.ln_pre, self.ln_post = nn.LayerNorm(w), nn.LayerNorm(w)
        self.blocks = nn.Sequential(*[Block(w, heads) for _ in range(layers)])
        self.proj = nn.Parameter(torch.randn(w, dim) * w ** -0.5)

    def forward(self, x):
        x = self.conv1(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], 1, -1), x], 1) + self.pos
        return self.ln_post(self.blocks(self.ln_pre(x))[:, 0]) @ self.proj


views, repeats = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7
torch.manual_seed(1)
tower = Tower().eval().requires_grad_(False)
pixels = torch.randn(views, 3, 224, 224, requires_grad=True)
target = F.normalize(torch.randn(512), dim=0)


def step():
    cosine = (F.normalize(tower(pixels), dim=-1) * target).sum()
    torch.autograd.grad(cosine, pixels)


times = []
for i in range(repeats + 2):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print("seconds", statistics.median(times[2:]))
