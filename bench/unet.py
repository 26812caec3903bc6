"""Stable Diffusion 1.x' UNet as plain modules with random weights, the graph of UNetStep.cs: seconds, processor seconds and peak memory of one call with latents of 64x64, a batch of two, 77 rows of text."""
import math, sys, time
import torch
from torch import nn
import torch.nn.functional as F

CHANNELS, ATTENTION, HEADS, LAYERS, CONTEXT, GROUPS = [320, 640, 1280, 1280], [True, True, True, False], 8, 2, 768, 32


class Residual(nn.Module):
    def __init__(self, inputs, outputs, time):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inputs, 1e-5), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(time, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outputs, 1e-5), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x, t):
        inside = self.conv1(F.silu(self.norm1(x))) + self.time_emb_proj(t)[:, :, None, None]
        inside = self.conv2(F.silu(self.norm2(inside)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + inside


class Attention(nn.Module):
    def __init__(self, width, context):
        super().__init__()
        self.to_q, self.to_k, self.to_v = nn.Linear(width, width, bias=False), nn.Linear(context, width, bias=False), nn.Linear(context, width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x, context):
        n, places, width = x.shape
        q, k, v = [t.view(n, t.shape[1], HEADS, width // HEADS).transpose(1, 2) for t in (self.to_q(x), self.to_k(context), self.to_v(context))]
        if hasattr(F, "scaled_dot_product_attention"):
            mixed = F.scaled_dot_product_attention(q, k, v)
        else:
            mixed = ((q * (width // HEADS) ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.to_out(mixed.transpose(1, 2).reshape(n, places, width))


class Transformer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.proj_in, self.proj_out = nn.GroupNorm(GROUPS, width, 1e-6), nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn1, self.attn2 = Attention(width, width), Attention(width, CONTEXT)
        self.wide, self.narrow = nn.Linear(width, 8 * width), nn.Linear(4 * width, width)

    def forward(self, x, context):
        n, width, h, w = x.shape
        places = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(n, h * w, width)
        normed = self.norm1(places)
        places = places + self.attn1(normed, normed)
        places = places + self.attn2(self.norm2(places), context)
        value, gate = self.wide(self.norm3(places)).chunk(2, -1)
        places = places + self.narrow(value * F.gelu(gate))
        return self.proj_out(places.reshape(n, h, w, width).permute(0, 3, 1, 2).contiguous()) + x


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        first, time, levels = CHANNELS[0], 4 * CHANNELS[0], len(CHANNELS)
        self.conv_in = nn.Conv2d(4, first, 3, padding=1)
        self.linear_1, self.linear_2 = nn.Linear(first, time), nn.Linear(time, time)
        skips, self.down, self.halves, self.up, self.doubles = [first], nn.ModuleList(), nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(CHANNELS):
            for j in range(LAYERS):
                self.down.append(nn.ModuleList([Residual(skips[-1], width, time), Transformer(width) if ATTENTION[i] else nn.Identity()]))
                skips.append(width)
            if i < levels - 1:
                self.halves.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
        self.middle1, self.middle, self.middle2 = Residual(width, width, time), Transformer(width), Residual(width, width, time)
        for i, width in reversed(list(enumerate(CHANNELS))):
            for j in range(LAYERS + 1):
                below = width if j else CHANNELS[min(i + 1, levels - 1)]
                self.up.append(nn.ModuleList([Residual(below + skips.pop(), width, time), Transformer(width) if ATTENTION[i] else nn.Identity()]))
            if i:
                self.doubles.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm_out, self.conv_out = nn.GroupNorm(GROUPS, first, 1e-5), nn.Conv2d(first, 4, 3, padding=1)

    def forward(self, x, times, context):
        half = CHANNELS[0] // 2
        angles = times[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        t = F.silu(self.linear_2(F.silu(self.linear_1(torch.cat([angles.cos(), angles.sin()], 1))))).expand(x.shape[0], -1)
        x = self.conv_in(x)
        skips, down, halve, up, double = [x], iter(self.down), iter(self.halves), iter(self.up), iter(self.doubles)
        for i in range(len(CHANNELS)):
            for _ in range(LAYERS):
                residual, transformer = next(down)
                x = residual(x, t)
                if ATTENTION[i]: x = transformer(x, context)
                skips.append(x)
            if i < len(CHANNELS) - 1: skips.append(x := next(halve)(x))
        x = self.middle2(self.middle(self.middle1(x, t), context), t)
        for i in reversed(range(len(CHANNELS))):
            for _ in range(LAYERS + 1):
                residual, transformer = next(up)
                x = residual(torch.cat([x, skips.pop()], 1), t)
                if ATTENTION[i]: x = transformer(x, context)
            if i: x = next(double)(F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(x)))


# Instead of torch's own random start, which would take minutes: one row of numbers for all tensors.
for kind in (nn.Linear, nn.Conv2d): kind.reset_parameters = lambda self: None
torch.manual_seed(1)
unet = UNet().eval().requires_grad_(False)
numbers = torch.randn(1280 * 2560 * 9)
for module in unet.modules():
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        w = module.weight
        w.copy_(numbers[:w.numel()].view_as(w) * (w.shape[0] / w.numel()) ** 0.5)
        if module.bias is not None: module.bias.zero_()
del numbers
assert sum(p.numel() for p in unet.parameters()) == 859_520_964
latents, rows, times = torch.randn(2, 4, 64, 64), torch.randn(2, 77, 768), torch.tensor([500.0])
if "channels-last" in sys.argv[2:]: unet, latents = unet.to(memory_format=torch.channels_last), latents.to(memory_format=torch.channels_last)
with open("/proc/self/clear_refs", "w") as reset: reset.write("5")  # the peak from here on
with torch.no_grad():
    unet(latents[:, :, :16, :16], times, rows)  # touches every weight
    wall, processor = [], []
    for _ in range(int(sys.argv[1])):
        begun, before = time.perf_counter(), time.process_time()
        unet(latents, times, rows)
        wall.append(time.perf_counter() - begun)
        processor.append(time.process_time() - before)
print("seconds", min(wall))
print("cpu_seconds", min(processor))
print("peak_mb", next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
