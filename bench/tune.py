"""TuneStep.cs in Python: updates of SD-IPC-FT (two losses, batch 1) or SD-IPC-CT (one, batch 2) at full size with random weights, with gradient checkpointing (recompute: residual blocks and transformers each, resamplings are kept; TuneStep's pieces are a pair of them, and a resampling) or without (plain): tune.py ft|ct plain|recompute UPDATES."""
import sys, time
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

concept, recomputes, updates = sys.argv[1] == "ct", sys.argv[2] == "recompute", int(sys.argv[3])
batch = 2 if concept else 1
for name, end in (("unet.py", "# Instead of torch's own"), ("vit.py", "views, repeats =")):
    source = open(__file__.replace("tune.py", name)).read()
    exec(source[:source.index(end)])

for kind in (nn.Linear, nn.Conv2d): kind.reset_parameters = lambda self: None
torch.manual_seed(1)
unet, tower, projection, shared = UNet(), Tower(1024, 24, 16, 14, 224, 768), nn.Linear(768, 768, bias=False), nn.Linear(1024, 1024)
numbers = torch.randn(1280 * 2560 * 9)
for network in (unet, tower, projection, shared):
    network.eval().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            w = module.weight
            w.copy_(numbers[:w.numel()].view_as(w) * (w.shape[0] / w.numel()) ** 0.5)
            if module.bias is not None: module.bias.zero_()
del numbers
inverse = torch.linalg.pinv(projection.weight)  # text projection to T-space
prompts, normed = torch.empty(24, 50, 1024).uniform_(-0.0579, 0.0579), nn.LayerNorm(1024)
learned = [p for name, p in unet.named_parameters() if ".attn2.to_k" in name or ".attn2.to_v" in name] + [prompts, *shared.parameters(), *normed.parameters()]
for p in learned: p.requires_grad_()
adam = torch.optim.AdamW(learned, 1e-5, weight_decay=0.01)
betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000) ** 2
signal = (1 - betas).cumprod(0)


class Again(nn.Module):
    """Its inside is computed again in the backward pass."""
    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, *x): return checkpoint(self.inside, *x, use_reentrant=False)


if recomputes:
    for rows in (unet.down, unet.up):
        for row in rows:
            for i in range(2):
                if not isinstance(row[i], nn.Identity): row[i] = Again(row[i])
    unet.middle1, unet.middle, unet.middle2 = Again(unet.middle1), Again(unet.middle), Again(unet.middle2)


def embed(pixels):
    x = tower.conv1(pixels).flatten(2).transpose(1, 2)
    x = tower.ln_pre(torch.cat([tower.cls.expand(x.shape[0], 1, -1), x], 1) + tower.pos)
    for layer, block in enumerate(tower.blocks):
        rows = F.dropout(shared(prompts[layer]).expand(x.shape[0], -1, -1), 0.1)
        x = block(torch.cat([x[:, :1], rows, x[:, 1 if layer == 0 else 51:]], 1))
    return tower.ln_post(normed(x[:, 0])) @ tower.proj


def loss(latents, rows, noise, times):
    at = signal[times][:, None, None, None]
    return F.mse_loss(unet(at.sqrt() * latents + (1 - at).sqrt() * noise, times.float(), rows), noise)


with open("/proc/self/clear_refs", "w") as reset: reset.write("5")  # the peak from here on
later = [0, 0]
for update in range(updates):
    begun, before = time.perf_counter(), time.process_time()
    adam.zero_grad()
    latents, noise, times = torch.randn(batch, 4, 64, 64), torch.randn(batch, 4, 64, 64), 100 + 700 * torch.arange(batch) // batch
    text = torch.randn(batch, 77, 768)
    vector = F.normalize(embed(torch.randn(batch, 3, 224, 224)), dim=-1) @ inverse.T
    converted = torch.cat([text[:, :1], (27 * F.normalize(vector, dim=-1))[:, None].expand(-1, 76, -1)], 1)
    total = loss(latents, converted, noise, times)
    if not concept: total = total + loss(latents, text, noise, times)
    total.backward()
    nn.utils.clip_grad_norm_(learned, 1)
    adam.step()
    spent = time.perf_counter() - begun, time.process_time() - before
    if update == 0: print("first_step_seconds", spent[0]), print("first_cpu_seconds", spent[1])
    else: later = [sum(pair) for pair in zip(later, spent)]
print("later_step_seconds", later[0] / (updates - 1)), print("later_cpu_seconds", later[1] / (updates - 1))
print("peak_mb", next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024)
