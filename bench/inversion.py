"""The plain loop of WholeInversion.cs in Python, on the same libtorch: FINER 256 x (1 + 3) at 224 px, 16 views (affine, colour), ViT-B/32 with random weights, Adam with the layer sweep."""
import math, resource, sys, time
import torch
import torch.nn.functional as F

steps, views, side, warm = int(sys.argv[1]), 16, 224, 2
sys.argv = ["vit.py", "0", "-2"]  # its classes only: no timing loop
source = open(__file__.replace("inversion.py", "vit.py")).read()
exec(source[:source.index("views, repeats =")])

torch.manual_seed(1)
tower = Tower().eval().requires_grad_(False)
target = F.normalize(torch.randn(512), dim=0)
mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None], torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]

layers = []
for l, (i, o) in enumerate([(2, 256), (256, 256), (256, 256), (256, 256), (256, 3)]):
    bound = 1 / i if l == 0 else math.sqrt(6 / i) / 30
    bias = 1 if l == 0 else 1 / math.sqrt(i)
    layers.append((torch.empty(o, i).uniform_(-bound, bound).requires_grad_(), torch.empty(o).uniform_(-bias, bias).requires_grad_()))
axis = torch.linspace(-1, 1, side)
grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
adam = torch.optim.Adam([{"params": list(layer)} for layer in layers], lr=5e-4)


class ClampWithGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(0, 1)

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * (g * (x - x.clamp(0, 1)) >= 0)


def render():
    z = grid
    for l, (w, b) in enumerate(layers):
        z = F.linear(z, w, b)
        if l < len(layers) - 1:
            with torch.no_grad():
                alpha = z.abs() + 1
            z = torch.sin(30 * alpha * z)
    return ClampWithGrad.apply(z.T.reshape(1, 3, side, side) * 0.5 + 0.5)


def see(image):
    u = lambda a: (torch.rand(views) * 2 - 1) * a
    scale, sx, sy = 1 + u(0.2), torch.tan(u(math.radians(10))), torch.tan(u(math.radians(10)))
    zero = torch.zeros(views)
    theta = torch.stack([torch.stack([1 / scale, sx / scale, zero], 1), torch.stack([sy / scale, 1 / scale, zero], 1)], 1)
    x = F.grid_sample(image.expand(views, -1, -1, -1), F.affine_grid(theta, [views, 3, side, side], align_corners=False), padding_mode="border", align_corners=False)
    brightness, contrast, saturation = (1 + u(0.2)[:, None, None, None] for _ in range(3))
    x = x * brightness
    x = (x - x.mean([1, 2, 3], keepdim=True)) * contrast + x.mean([1, 2, 3], keepdim=True)
    luma = (x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    return (x - luma) * saturation + luma


begun = 0
for n in range(steps + warm):
    if n == warm:
        begun = time.perf_counter()
    e = F.normalize(tower((see(render()) - mean) / std), dim=-1)
    loss = 1 - (F.normalize(e.mean(0), dim=0) * target).sum()
    adam.zero_grad(set_to_none=True)
    loss.backward()
    peak = 4 * n / (steps + warm - 1)
    for l, group in enumerate(adam.param_groups):
        group["lr"] = 5e-4 * math.exp(-(l - peak) ** 2 / 2)
    adam.step()
print("seconds", (time.perf_counter() - begun) / steps)
print("peak_mb", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
