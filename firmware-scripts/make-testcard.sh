#!/bin/sh
# Draws agent/web/testcard.mpegts, the built-in test picture: H.264 and AAC in a transport stream, 640x360, 25 pictures
# a second, a keyframe every second, no B-frames. Needs ffmpeg with libx264 and drawtext.
#
# 8 seconds hold 200 pictures and 375 AAC frames of 48 kHz, both whole, and everything drawn and heard has a period that
# divides 8 s: played in a loop with corrected clocks it has no seam. Takes a minute.
set -eu
cd "$(dirname "$0")/.."
out=${1:-agent/web/testcard.mpegts}
bold=${FONT:-$(fc-match -f '%{file}' 'DejaVu Sans:bold')}
mono=${FONT:-$(fc-match -f '%{file}' 'DejaVu Sans Mono')}

# The dial: centre 320,148; one turn in 8 s. Registers: 0 distance, 1 comet behind the hand (1 at the hand, 0 a turn
# later), 2 ring, 3 glow of the fire below, 4 disc, 5 hour marks, 6 the hand's edge.
shape="st(0,hypot(X-320,Y-148));
st(1,mod(2+N/200-(atan2(X-320,148-Y)/(2*PI)),1));
st(2,clip(1-abs(ld(0)-100)/13,0,1));
st(3,exp(-hypot((X-320)/250,(Y-320)/(120+14*sin(2*PI*N/50)+8*sin(2*PI*N/25)))));
st(4,clip((112-ld(0))/3,0,1));
st(5,clip(1-abs(ld(0)-124)/4,0,1)*lt(abs(mod(atan2(X-320,148-Y)/(2*PI)*8+8.5,1)-0.5),0.035));
st(6,pow(1-ld(1),3))"
# Bars of 75 % over a grey ramp with a bright mark that runs from side to side in 4 s.
bars='gte(Y,312)'
ramp='gte(Y,300)*lt(Y,312)'
picture='lt(Y,300)'
mark='clip(1-abs(X-320-300*sin(2*PI*N/100))/9,0,1)'
n='floor(X*7/640)'
colour() {
  echo "$shape;
    clip($picture*($1*(1-0.35*ld(4))+$2*ld(3)+255*ld(5)*0.55+ld(2)*($3*ld(6)+26)+ld(4)*ld(6)*$3*0.16)
    +$ramp*(X/640*70+$mark*$4)
    +$bars*191*$5,0,255)"
}
red=$(colour 20 170 255 255 "gt(mod(bitand(7-$n,2),4),0)")
green=$(colour 22 62 150 190 "gt(bitand(7-$n,4),0)")
blue=$(colour 34 12 40 120 "gt(bitand(7-$n,1),0)")

label="fontcolor=white:shadowcolor=black@0.5:shadowx=1:shadowy=1:x=(w-text_w)/2"
text="drawtext=fontfile=$bold:text=hearth:fontsize=44:$label:y=118
,drawtext=fontfile=$mono:text='%{eif\:floor(n/25)\:d}.%{eif\:mod(n\,25)\:d\:2}':fontsize=20:$label:y=170:alpha=0.85
,drawtext=fontfile=$bold:text='test picture':fontsize=13:$label:y=281:alpha=0.75"

# Two soft tones that come and go against each other, and a tick as each second begins; silent at the seam.
left='0.09*sin(2*PI*440*t)*pow(sin(PI*t/2),2)'
right='0.09*sin(2*PI*330*t)*pow(sin(PI*t),2)'
# 374 frames of sound: the encoder puts one of its own in front.
tick='0.10*sin(2*PI*1000*t)*exp(-60*mod(t,1))*gt(mod(t,8),0.5)'

flat() { printf '%s' "$1" | tr -d '\n'; }
ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "$(flat "color=size=640x360:rate=25:duration=8,format=gbrp,geq=r='$red':g='$green':b='$blue',$text,format=yuv420p")" \
  -f lavfi -i "aevalsrc='$left+$tick|$right+$tick':s=48000:d=7.978666" \
  -map 0:v -map 1:a -flags +bitexact -fflags +bitexact \
  -c:v libx264 -profile:v main -preset veryslow -crf 25 -maxrate 420k -bufsize 420k -bf 0 -g 25 -keyint_min 25 -sc_threshold 0 \
  -x264-params threads=1:aud=1 -color_primaries bt709 -color_trc bt709 -colorspace bt709 \
  -c:a aac -b:a 64k -ac 2 \
  -muxdelay 0.2 -muxpreload 0 -pcr_period 40 -metadata service_name='hearth test picture' -metadata service_provider=hearth \
  -f mpegts "$out"
ls -l "$out"
