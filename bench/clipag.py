"""The plain loops of ClipagStep.cs in Python, on the libtorch that python3-torch uses: clipag.py clipdraw|vqgan STEPS. ViT-B/32 and the f16 VQGAN have random weights.
diffvg is not packaged; the strokes are its prefiltered rasteriser in tensor operations, each stroke within its bounding box, the nearest piece found without gradients."""
import math, sys, time
import torch
from torch import nn
import torch.nn.functional as F

which, steps, warm = sys.argv[1], int(sys.argv[2]), 1
sys.argv = ["vit.py", "0", "-2"]  # its classes only: no timing loop
source = open(__file__.replace("clipag.py", "vit.py")).read()
exec(source[:source.index("views, repeats =")])

torch.manual_seed(1)
tower = Tower().eval().requires_grad_(False)
target = F.normalize(torch.randn(512), dim=0)
mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073])[:, None, None], torch.tensor([0.26862954, 0.26130258, 0.27577711])[:, None, None]
uniform = lambda n, low, high: torch.rand(n) * (high - low) + low


def warp(images, matrices, fill=0.0):
    """Bilinear look-up by homographies [n, 3, 3] from output to source pixels."""
    n, c, h, w = images.shape
    y, x = torch.meshgrid(torch.arange(h, dtype=torch.float32), torch.arange(w, dtype=torch.float32), indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)]).reshape(1, 3, -1)
    found = matrices @ places
    found = found[:, :2] / found[:, 2:]
    grid = torch.stack([(found[:, 0] + 0.5) * 2 / w - 1, (found[:, 1] + 0.5) * 2 / h - 1], -1).reshape(n, h, w, 2)
    return F.grid_sample(images - fill, grid, padding_mode="zeros", align_corners=False) + fill


def homographies(start, end):
    """[n, 4, 2] corners to matrices that map start to end."""
    x, y, u, v = start[..., 0], start[..., 1], end[..., 0], end[..., 1]
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = torch.cat([torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1), torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1)], 1)
    solved = torch.linalg.solve(rows.double(), torch.cat([u, v], 1).double().unsqueeze(-1)).squeeze(-1).float()
    return torch.cat([solved, torch.ones(len(solved), 1)], 1).reshape(-1, 3, 3)


def corners(n, side):
    return torch.tensor([[0.0, 0], [side - 1, 0], [side - 1, side - 1], [0, side - 1]]).expand(n, 4, 2)


def moved(n, side, strength):
    inwards = torch.rand(n, 4, 2) * strength * side / 2
    return corners(n, side) + inwards * torch.tensor([[1.0, 1], [-1, 1], [-1, -1], [1, -1]])


# ---------------------------------------------------------------- CLIPDraw

class Drawing:
    side, strokes, pieces = 224, 256, 16

    def __init__(self):
        self.curves = torch.randint(1, 4, (self.strokes,)).tolist()
        points = []
        for curves in self.curves:
            steps = 0.1 * (torch.rand(3 * curves, 2) - 0.5)
            points.append(torch.cat([torch.rand(1, 2), steps]).cumsum(0) * self.side)
        self.points = [p.requires_grad_() for p in points]
        self.widths = torch.ones(self.strokes, requires_grad=True)
        self.colors = torch.rand(self.strokes, 4, requires_grad=True)
        t = torch.linspace(0, 1, self.pieces + 1)[:, None]
        self.bernstein = torch.cat([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t ** 3], 1)
        self.adam = torch.optim.Adam([{"params": self.points, "lr": 1.0}, {"params": [self.widths], "lr": 0.1}, {"params": [self.colors], "lr": 0.01}])

    def render(self):
        image = torch.ones(3, self.side, self.side)
        profile = lambda x: (lambda t: t * t * (3 - 2 * t))(((x + 1) / 2).clamp(0, 1))
        reach = (self.widths.detach() + 1).tolist()
        for i, points in enumerate(self.points):
            places = torch.cat([(self.bernstein if s == 0 else self.bernstein[1:]) @ points[3 * s:3 * s + 4] for s in range(self.curves[i])])
            with torch.no_grad():
                low, high = (places.amin(0) - reach[i] - 0.5).floor().clamp(0, self.side).int().tolist(), (places.amax(0) + reach[i] + 0.5).ceil().clamp(0, self.side).int().tolist()
                (left, top), (right, bottom) = low, high
                if right <= left or bottom <= top:
                    continue
                y, x = torch.meshgrid(torch.arange(top, bottom) + 0.5, torch.arange(left, right) + 0.5, indexing="ij")
                pixels = torch.stack([x, y], -1)  # [h, w, 2]
                from_, along = places[:-1, None, None], (places[1:] - places[:-1])[:, None, None]
                u = (((pixels - from_) * along).sum(-1) / ((along * along).sum(-1) + 1e-9)).clamp(0, 1)
                nearest = ((pixels - from_ - u[..., None] * along) ** 2).sum(-1).argmin(0)  # [h, w]
            from_, along = places[:-1][nearest], (places[1:] - places[:-1])[nearest]
            u = (((pixels - from_) * along).sum(-1) / ((along * along).sum(-1) + 1e-9)).clamp(0, 1)
            d = (((pixels - from_ - u[..., None] * along) ** 2).sum(-1) + 1e-6).sqrt()
            alpha = self.colors[i, 3] * (profile(d + self.widths[i]) - profile(d - self.widths[i]))
            below = image[:, top:bottom, left:right].clone()
            image[:, top:bottom, left:right] = below * (1 - alpha) + self.colors[i, :3, None, None] * alpha
        return image[None]

    def step(self):
        views, side = 4, self.side
        x = warp(self.render().expand(views, -1, -1, -1), homographies(moved(views, side, 0.5), corners(views, side)).inverse().contiguous(), fill=1.0)
        crops = []
        for one in x:
            area, ratio = float(uniform(1, 0.7, 0.9)) * side * side, math.exp(float(uniform(1, math.log(3 / 4), math.log(4 / 3))))
            w, h = min(side, round(math.sqrt(area * ratio))), min(side, round(math.sqrt(area / ratio)))
            top, left = int(torch.randint(0, side - h + 1, ())), int(torch.randint(0, side - w + 1, ()))
            crops.append(F.interpolate(one[None, :, top:top + h, left:left + w], (side, side), mode="bilinear", antialias=True))
        loss = -(F.normalize(tower(torch.cat(crops)), dim=-1) @ target).sum()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        with torch.no_grad():
            self.widths.clamp_(1, 50)
            self.colors.clamp_(0, 1)


# ---------------------------------------------------------------- VQGAN+CLIP

norm = lambda width: nn.GroupNorm(32, width, 1e-6)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1, self.norm2, self.conv2 = norm(inputs), nn.Conv2d(inputs, outputs, 3, padding=1), norm(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.short = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x):
        return self.short(x) + self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.q, self.k, self.v, self.out = norm(width), *(nn.Conv2d(width, width, 1) for _ in range(4))

    def forward(self, x):
        n, c, h, w = x.shape
        inside = self.norm(x)
        q, k, v = (f(inside).reshape(n, c, h * w) for f in (self.q, self.k, self.v))
        weights = torch.softmax(q.transpose(1, 2) @ k * c ** -0.5, dim=-1)
        return x + self.out((v @ weights.transpose(1, 2)).reshape(n, c, h, w))


def decoder():
    widths, latent = [128, 128, 256, 256, 512], 256
    layers = [nn.Conv2d(latent, latent, 1), nn.Conv2d(latent, 512, 3, padding=1), Residual(512, 512), Attention(512), Residual(512, 512)]
    inputs = 512
    for level in reversed(range(5)):
        for _ in range(3):
            layers.append(Residual(inputs, widths[level]))
            inputs = widths[level]
            if level == 4:
                layers.append(Attention(inputs))
        if level:
            layers += [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(inputs, inputs, 3, padding=1)]
    return nn.Sequential(*layers, norm(inputs), nn.SiLU(), nn.Conv2d(inputs, 3, 3, padding=1))


def turned(x, turns):
    """Hue by turns of the circle, through hue, saturation and value."""
    value, at = x.max(1, keepdim=True)
    spread = value - x.min(1, keepdim=True).values
    saturation = spread / (value + 1e-8)
    r, g, b = (value - x).div(spread.masked_fill(spread == 0, 1)).unbind(1)
    hue = torch.stack([b - g, r - b + 2, g - r + 4], 1).gather(1, at) / 6 % 1 + turns
    channel = lambda k: (lambda t: value - value * saturation * torch.minimum(t, 4 - t).clamp(0, 1))((k + hue * 6) % 6)
    return torch.cat([channel(5), channel(3), channel(1)], 1)


class Latent:
    side, views, cut = 256, 32, 224

    def __init__(self):
        self.decoder = decoder().eval().requires_grad_(False)
        self.codebook = torch.empty(16384, 256).uniform_(-1 / 16384, 1 / 16384)
        self.low, self.high = (f(0).values[None, :, None, None] for f in (self.codebook.min, self.codebook.max))
        self.z = self.codebook[torch.randint(0, 16384, (1, 16, 16))].permute(0, 3, 1, 2).contiguous().requires_grad_()
        self.adam = torch.optim.Adam([self.z], lr=0.1)

    def cutouts(self, image):
        n, side = self.views, self.cut
        x = ((F.adaptive_avg_pool2d(image, side) + F.adaptive_max_pool2d(image, side)) / 2).expand(n, -1, -1, -1)
        on = lambda matrices: torch.where(torch.rand(n, 1, 1) < 0.7, matrices, torch.eye(3))
        angle, shear, shift = (torch.deg2rad(uniform(n, -15, 15)), torch.tan(torch.deg2rad(uniform(n, -5, 5))), uniform(n, -0.1 * side, 0.1 * side))
        zero, one, middle = torch.zeros(n), torch.ones(n), (side - 1) / 2
        cos, sin = angle.cos(), angle.sin()
        affine = torch.stack([torch.stack([cos, sin + shear, middle - cos * middle - (sin + shear) * middle], 1), torch.stack([-sin, cos, middle + sin * middle - cos * middle - shift], 1), torch.stack([zero, zero, one], 1)], 1)
        x = warp(x, on(affine))
        x = warp(x, on(homographies(moved(n, side, 0.7), corners(n, side)).inverse()))
        before, factor = x, lambda: uniform(n, 0.9, 1.1)[:, None, None, None]
        luma = lambda p: (p * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
        x = x.clamp(0, 1)
        for step in torch.randperm(4).tolist():
            if step == 0: x = x * factor()
            elif step == 1: x = (lambda m, f: m + (x - m) * f)(luma(x).mean([1, 2, 3], keepdim=True), factor())
            elif step == 2: x = (lambda m, f: m + (x - m) * f)(luma(x), factor())
            else: x = turned(x, uniform(n, -0.1, 0.1)[:, None, None, None])
            x = x.clamp(0, 1)
        x = torch.where(torch.rand(n, 1, 1, 1) < 0.7, x, before)
        if float(torch.rand(())) < 0.7:
            area, ratio = float(uniform(1, 0.1, 0.4)) * side * side, float(uniform(1, 0.3, 1) if torch.rand(()) < 0.5 else uniform(1, 1, 1 / 0.3))
            h, w = min(side, round(math.sqrt(area * ratio))), min(side, round(math.sqrt(area / ratio)))
            top, left = int(torch.randint(0, side - h + 1, ())), int(torch.randint(0, side - w + 1, ()))
            kept = torch.ones(side, side)
            kept[top:top + h, left:left + w] = 0
            x = x * kept
        return x + uniform(n, 0, 0.1)[:, None, None, None] * torch.randn_like(x)

    def step(self):
        with torch.no_grad():
            flat = self.z.permute(0, 2, 3, 1).reshape(-1, 256)
            rows = self.codebook[((self.codebook ** 2).sum(1) - 2 * flat @ self.codebook.T).argmin(1)].reshape(1, 16, 16, 256).permute(0, 3, 1, 2)
        image = (self.decoder(self.z + (rows - self.z).detach()) + 1) / 2
        image = image + (image.clamp(0, 1) - image).detach()
        e = F.normalize(tower((self.cutouts(image) - mean) / std), dim=-1)
        loss = ((e - target).norm(dim=-1) / 2).asin().square().mul(2).mean()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        with torch.no_grad():
            self.z.copy_(self.z.maximum(self.low).minimum(self.high))


loop, begun = (Drawing if which == "clipdraw" else Latent)(), 0
for n in range(steps + warm):
    if n == warm:
        begun = time.perf_counter()
    loop.step()
print("seconds", (time.perf_counter() - begun) / steps)
print("peak_mb", int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024)
