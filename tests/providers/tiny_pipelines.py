"""Real pipelines of diffusers, made tiny: random weights from configs, in folders like a user's own."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage,
    EulerAncestralDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
    StableDiffusionInstructPix2PixPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from peft import LoraConfig, get_peft_model_state_dict
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLProcessor,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

_QWEN_SPECIALS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
)


class StillsProcessor(Qwen2VLProcessor):
    """Qwen's processor without its part for videos, which only torchvision can build."""

    def __init__(self, image_processor=None, tokenizer=None, chat_template=None):
        self.image_token = "<|image_pad|>"
        self.video_token = "<|video_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        self.video_token_id = tokenizer.convert_tokens_to_ids(self.video_token)
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)


def save_kontext(folder: Path) -> Path:
    """Save a FLUX.1 Kontext pipeline."""
    torch.manual_seed(0)
    FluxKontextPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(latent_channels=4, shift_factor=0.0),
        text_encoder=_clip_text(),
        tokenizer=_clip_tokenizer(),
        text_encoder_2=T5EncoderModel(
            T5Config(vocab_size=300, d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2)
        ),
        tokenizer_2=_t5_tokenizer(),
        transformer=FluxTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)
    return folder


def save_instruct_pix2pix(folder: Path, *, finds_everything_unsafe: bool = False) -> Path:
    """Save an InstructPix2Pix pipeline, if asked with a safety checker that no picture passes."""
    torch.manual_seed(0)
    StableDiffusionInstructPix2PixPipeline(
        vae=_vae(latent_channels=4),
        text_encoder=_clip_text(),
        tokenizer=_clip_tokenizer(),
        unet=UNet2DConditionModel(
            in_channels=8,
            out_channels=4,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=8,
            norm_num_groups=4,
        ),
        scheduler=EulerAncestralDiscreteScheduler(),
        safety_checker=_safety_checker() if finds_everything_unsafe else None,
        feature_extractor=CLIPImageProcessor(size=32, crop_size=32),
        requires_safety_checker=finds_everything_unsafe,
    ).save_pretrained(folder)
    return folder


def save_qwen_edit_plus(folder: Path) -> Path:
    """Save a Qwen-Image-Edit-2509 pipeline; its processor is the one for still pictures above."""
    torch.manual_seed(0)
    tokenizer = _qwen_tokenizer()
    pipeline = QwenImageEditPlusPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLQwenImage(
            base_dim=2,
            z_dim=4,
            dim_mult=[1, 1, 1, 1, 1],
            num_res_blocks=0,
            temperal_downsample=[False, False, False, False],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(_qwen_config(tokenizer)),
        tokenizer=tokenizer,
        processor=StillsProcessor(
            Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56), tokenizer
        ),
        transformer=QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=(8, 4, 4),
        ),
    )
    pipeline.save_pretrained(folder)
    return folder


def save_lora(folder: Path, kontext: Path) -> Path:
    """Save a random LoRA for the transformer of a saved Kontext pipeline."""
    torch.manual_seed(1)
    pipeline = FluxKontextPipeline.from_pretrained(kontext)
    pipeline.transformer.add_adapter(
        LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
    )
    FluxKontextPipeline.save_lora_weights(
        folder, transformer_lora_layers=get_peft_model_state_dict(pipeline.transformer)
    )
    return folder


def _vae(**options) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        **options,
    )


def _clip_text() -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=600,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            projection_dim=32,
            bos_token_id=512,
            eos_token_id=513,
            pad_token_id=513,
        )
    )


def _alphabet() -> list[str]:
    return list(bytes_to_unicode().values())


def _clip_tokenizer() -> CLIPTokenizer:
    letters = _alphabet()
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _t5_tokenizer() -> T5TokenizerFast:
    pieces = ["<pad>", "</s>", "<unk>", "▁", *(chr(code) for code in range(33, 127))]
    return T5TokenizerFast(
        vocab=[(piece, -float(i)) for i, piece in enumerate(pieces)], extra_ids=0
    )


def _qwen_tokenizer() -> Qwen2Tokenizer:
    words = [*_alphabet(), *_QWEN_SPECIALS, "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": words[257:]})
    return tokenizer


def _qwen_config(tokenizer: Qwen2Tokenizer) -> Qwen2_5_VLConfig:
    number = tokenizer.convert_tokens_to_ids
    return Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 300,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [1, 1, 2],
            },
        },
        vision_config={
            "depth": 1,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_heads": 2,
            "out_hidden_size": 16,
            "fullatt_block_indexes": [0],
        },
        image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )


def _safety_checker() -> StableDiffusionSafetyChecker:
    checker = StableDiffusionSafetyChecker(
        CLIPConfig(
            vision_config=CLIPVisionConfig(
                hidden_size=32,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                image_size=32,
                patch_size=16,
                projection_dim=32,
            ).to_dict(),
            projection_dim=32,
        )
    )
    # A threshold that every likeness exceeds.
    checker.concept_embeds_weights.data.fill_(-2.0)
    return checker
